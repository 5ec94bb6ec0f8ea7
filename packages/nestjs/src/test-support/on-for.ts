import type { TargetedValue } from '@smooai/config';

/** A flag that is on for one user only. */
export const onFor = (userId: string): TargetedValue<boolean> => ({
  $cohort: {
    rules: [{ id: 'user', when: { attribute: 'userId', op: 'in', values: [userId] }, value: true }],
    defaultValue: false,
  },
});

/** The headers of a request by a user. */
export const as = (userId: string): RequestInit => ({ headers: { 'x-user': userId } });

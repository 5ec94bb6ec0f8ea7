import type { Ruleset } from '../wire.ts';

/** A ruleset of revision 1 without values, but for those given. */
export function rulesetOf(values: Partial<Ruleset> = {}): Ruleset {
  return {
    revision: '1',
    environment: 'production',
    public: {},
    secret: {},
    flags: {},
    limits: {},
    segments: {},
    ...values,
  };
}

/** 500 flags with one rule each; the first one changes. */
export const FLAGS = Array.from({ length: 500 }, (_, index) => `flag${index}`);

/** A flag whose answer differs between turns for every context. */
export function flagOf(turn) {
  const rule = { id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL', 'BE'] }, value: turn % 2 };
  return { $cohort: { rules: [rule], defaultValue: 10 + (turn % 2) } };
}

export function contextOf(index) {
  return { userId: `user-${index}`, country: ['NL', 'BE', 'DE', 'FR'][index % 4] };
}

export function base64url(context) {
  return Buffer.from(JSON.stringify(context)).toString('base64url');
}

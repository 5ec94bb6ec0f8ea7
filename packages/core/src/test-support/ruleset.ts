import type { Ruleset } from '../wire.ts';

/** A ruleset of revision 1 with the given values and no others. */
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

const folder = 'packages/core/src/ruleset';

export const ruleset = [
  {
    file: `${folder}/ruleset-order.ts`,
    reason: 'Equivalent: the age of an epoch that was never replaced is NaN, which is not below the limit.',
    mutants: ['replacedAt !== undefined → true'],
  },
  {
    file: `${folder}/ruleset-order.ts`,
    reason: 'Only memory: a missing epoch is never looked up, and takes one of the 64 places.',
    mutants: ['current.epoch !== undefined → true'],
  },
  {
    file: `${folder}/value-layers.ts`,
    reason: 'Equivalent: `setFile` sets both fields, and spreading undefined adds nothing.',
    mutants: ['false → true', 'this.#fileSegments === undefined → false', 'this.#file?.get → this.#file.get'],
  },
  {
    file: `${folder}/packed-value.ts`,
    reason: 'Only speed: values that are not found to be equal by their parts are compared as JSON.',
    mutants: [
      '{ if (this.#layout !== other.#layout) return false; return this.#scalars.every(… → {}',
      'this.#layout !== other.#layout → true',
      '(scalar, index) => Object.is(scalar, other.#scalars[index]) → () => undefined',
      'left instanceof PackedValue && right instanceof PackedValue → false',
      'arePacked && left.hasSameParts(right) → false',
    ],
  },
  {
    file: `${folder}/packed-value.ts`,
    reason: 'Equivalent: undefined is not equal to any JSON value.',
    mutants: [
      'left === undefined || right === undefined → false',
      'left === undefined || right === undefined → left === undefined && right === undefined',
      'left === undefined → false',
      'right === undefined → false',
    ],
  },
  {
    file: `${folder}/compiled-key.ts`,
    reason: 'Only for the types: a stored value has an origin, and a key that is compiled later is targeted.',
    mutants: [
      `'none' → ""`,
      'key.stored === undefined → false',
      'isTargeted(targeted) && isRecord(targeted.$cohort) → true',
      'isTargeted(targeted) && isRecord(targeted.$cohort) → isTargeted(targeted) || isRecord(targeted.$cohort)',
    ],
  },
  {
    file: `${folder}/compiled-key.ts`,
    reason: 'Only memory: a status of its own that is equal to the shared one.',
    mutants: ['isValid && segments.length === 0 → false'],
  },
  {
    file: `${folder}/compiled-key.ts`,
    reason: 'Equivalent: no segment has that name.',
    mutants: ['[] → ["Stryker was here"]'],
  },
  {
    file: `${folder}/stored-values.ts`,
    reason: 'Equivalent: every tier has a group, and nothing is equal to a value that is not there.',
    mutants: [
      '[] → ["Stryker was here"]',
      'this.#groups.get(tier)?.get → this.#groups.get(tier).get',
      'this.#groups.get(tier)?.delete → this.#groups.get(tier).delete',
      'this.#groups.get(tier)?.set → this.#groups.get(tier).set',
      '{ public: {}, secret: {}, flags: {}, limits: {} } → {}',
      'known !== undefined → true',
    ],
  },
];

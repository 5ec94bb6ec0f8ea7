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
  {
    file: `${folder}/ruleset-store.ts`,
    reason:
      'Only speed and memory: a value is read from the packed ones again, in place of the JSON that arrived.',
    mutants: [
      "{ layer: 'server', values: ruleset } → {}",
      '\'server\' → ""',
      "values && { layer: 'environment', values } → true",
      "values && { layer: 'environment', values } → false",
      "values && { layer: 'environment', values } → values || { layer: 'environment', values }",
      "{ layer: 'environment', values } → {}",
      '\'environment\' → ""',
      "{ layer: 'file', values } → {}",
      '\'file\' → ""',
      "{ layer: 'cache', values: ruleset } → {}",
      '\'cache\' → ""',
      'layer !== undefined && layer === arrived?.layer → false',
      '{ const group = values[tierNames(tier).ruleset]; return Object.hasOwn(group, ke… → {}',
    ],
  },
  {
    file: `${folder}/ruleset-store.ts`,
    reason:
      'Only speed: a key, default or segment is compiled again with the same result, which is announced to nobody.',
    mutants: [
      'changedSegments.size > 0 → true',
      'changedSegments.size > 0 → changedSegments.size >= 0',
      'compiled.usesAny(changedSegments) → true',
      'this.#isComplete → false',
      "isSame && previous.serves === 'stored' → false",
      '\'stored\' → ""',
      "!isSame || previous.serves !== 'previous' → true",
      '\'previous\' → ""',
      'isSame && compiled.origin === previous?.origin → false',
      'parsed === undefined → true',
      'segments === this.#segmentsGiven → false',
      'this.#invalid.size > 0 → true',
      'this.#invalid.size > 0 → this.#invalid.size >= 0',
      'this.#lastValid.size > 0 → true',
      'this.#lastValid.size > 0 → this.#lastValid.size >= 0',
    ],
  },
  {
    file: `${folder}/ruleset-store.ts`,
    reason: 'Equivalent: the types need the check, or the value, but the case cannot be.',
    mutants: [
      '\'none\' → ""',
      'compiled === undefined → false',
      '[] → ["Stryker was here"]',
      'previous !== undefined → true',
      'compiled.origin === previous?.origin → compiled.origin === previous.origin',
      'previous?.origin → previous.origin',
      'previous.stored !== undefined → true',
    ],
  },
  {
    file: `${folder}/ruleset-store.ts`,
    reason:
      'Before the first ruleset, when nothing listens: only then can the value that stands in for a rejected one change.',
    mutants: ['!isSame → true'],
  },
];

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
];

const folder = 'packages/core/src/leaks';

export const leaks = [
  {
    file: `${folder}/build-output.ts`,
    reason:
      'Equivalent: undefined is false too, no folder has that name, and a path that was split has a last part.',
    mutants: [
      '() => false → () => undefined',
      `'' → "Stryker was here!"`,
      'path.at(-1)?.startsWith → path.at(-1).startsWith',
    ],
  },
  {
    file: `${folder}/secret-values.ts`,
    reason: 'Equivalent: a text without variables.',
    mutants: ['[] → ["Stryker was here"]', `'' → "Stryker was here!"`],
  },
  {
    file: `${folder}/secret-detector.ts`,
    reason: 'Equivalent: without values nothing is reported, and every index that is found has a pattern.',
    mutants: ['[] → ["Stryker was here"]', 'pattern === undefined → false'],
  },
  {
    file: `${folder}/secret-detector.ts`,
    reason: 'Only speed: a search that is built again, a copy of the first chunk, two more bytes of each.',
    mutants: [
      'added.length === 0 → false',
      'end.length === 0 → false',
      'bytes.length - this.#search.longest + 1 → bytes.length - this.#search.longest - 1',
    ],
  },
];

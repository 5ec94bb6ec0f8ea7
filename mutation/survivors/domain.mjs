const folder = 'packages/server/src/domain';

export const domain = [
  {
    file: `${folder}/values.ts`,
    reason: 'Equivalent: a schema that was found has the key, and without a schema there is none.',
    mutants: [
      'schema === undefined || key === undefined → schema === undefined && key === undefined',
      'schema === undefined → false',
      'key === undefined → false',
    ],
  },
  {
    file: `${folder}/values.ts`,
    reason: 'Only speed: the rows that a write has read are read again.',
    mutants: ['known !== undefined → false'],
  },
  {
    file: `${folder}/values.ts`,
    reason:
      'Equivalent: only values that are stored are evaluated, and the pointer of a field is never empty.',
    mutants: ['view.evaluate(stored.key, {})?.value → view.evaluate(stored.key, {}).value', `'body' → ""`],
  },
  {
    file: `${folder}/values.ts`,
    reason:
      'Every test fails with it, but it takes effect before the first test, to which it is not attributed.',
    mutants: ['{ this.#storage = storage; this.#parts = parts; } → {}'],
  },
  {
    file: `${folder}/environments.ts`,
    reason: 'Equivalent: without a new fallback nothing differs, and a deleted environment gets no record.',
    mutants: [
      'next.fallbackEnvironmentId !== environment.fallbackEnvironmentId → true',
      '[] → ["Stryker was here"]',
    ],
  },
  {
    file: `${folder}/environments.ts`,
    reason: 'Only for the types: every fallback is in the list, and so is every dependent.',
    mutants: ['entry === undefined → false', 'previous === undefined → false'],
  },
  {
    file: `${folder}/environments.ts`,
    reason:
      'The tests of the routes notice it: the pattern of a request, and a segment that becomes too large.',
    mutants: [
      `'^[a-z0-9][a-z0-9-]*[a-z0-9]$|^[a-z0-9]$' → ""`,
      'tooLarge !== undefined → false',
      `{ throw new Refusal( 'conflict', \`Field "fallbackEnvironmentId": in "\${after.en… → {}`,
      `'conflict' → ""`,
    ],
  },
  {
    file: 'packages/server/src/domain/segments.ts',
    reason: 'Equivalent: two segments never have the same name.',
    mutants: ['a.name < b.name → a.name <= b.name'],
  },
];

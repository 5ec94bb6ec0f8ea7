const folder = 'packages/server/src/domain/validation';

export const validation = [
  {
    file: 'packages/server/src/domain/checked-write.ts',
    reason: 'Only speed: nothing is asked of the worker, and a job without values passes.',
    mutants: ['!verdicts.isComplete → true'],
  },
  {
    file: `${folder}/fair-queue.ts`,
    reason:
      'Only memory and speed: a client or organization with an empty list stays in the queue, and is passed over.',
    mutants: [
      'item === undefined → false',
      'others.length > 0 → true',
      'others.length > 0 → others.length >= 0',
      'clients.size > 0 → true',
      'clients.size > 0 → clients.size >= 0',
    ],
  },
  {
    file: `${folder}/check-pool.ts`,
    reason: 'Equivalent: every outcome but `client-full` has the same refusal.',
    mutants: [`'full' → ""`],
  },
  {
    file: `${folder}/check-pool.ts`,
    reason: 'Only memory: a thread that has ended is passed over when the next one is wanted.',
    mutants: ['thread.isUsable → true'],
  },
  {
    file: `${folder}/check-thread.ts`,
    reason: 'Only for the types: the interval ends with the job, and both places are always set.',
    mutants: [
      `this.#settle?.(() => this.#stopped('time', clock)) → this.#settle(() => this.#stopped('time', clock))`,
      '-1 → +1',
    ],
  },
  {
    file: `${folder}/check-thread.ts`,
    reason: 'Equivalent: Node ignores a word that is not a flag, and a worker with an error ends too.',
    mutants: ['[] → ["Stryker was here"]', `'error' → ""`],
  },
  {
    file: `${folder}/schema-document.ts`,
    reason: 'Only for the types: the worker names one of the schemas that it was given.',
    mutants: [`'jsonSchema' → ""`, 'schemas[refusal.index]?.place → schemas[refusal.index].place'],
  },
  {
    file: `${folder}/schema-document.ts`,
    reason: 'Equivalent: `defineLimit` throws no other error, and its messages begin with its name.',
    mutants: ['!(error instanceof SchemaError) → false', '/^defineLimit: / → /defineLimit: /'],
  },
  {
    file: `${folder}/schema-keywords.ts`,
    reason: 'Equivalent: an anchor that is not a string has no reference, and an empty pointer has no steps.',
    mutants: [
      "typeof schema.$anchor === 'string' → true",
      "pointer === '' → false",
      `'' → "Stryker was here!"`,
      '{ return undefined; } → {}',
    ],
  },
  {
    file: `${folder}/schema-keywords.ts`,
    reason:
      'Every test fails with it, but it takes effect before the first test, to which it is not attributed.',
    mutants: [
      "([kind, names]) => names.split(' ').map((name): [string, KeywordKind] => [name,… → () => undefined",
      '(name): [string, KeywordKind] => [name, kind as KeywordKind] → () => undefined',
      '[name, kind as KeywordKind] → []',
      '(name) => [name.toLowerCase(), name] → () => undefined',
    ],
  },
  {
    file: `${folder}/value-verdicts.ts`,
    reason:
      'Equivalent: what is wanted has a schema and is named by the worker, and no number is below undefined.',
    mutants: [
      `'' → "Stryker was here!"`,
      'stopped === undefined → false',
      'limit.min !== undefined → true',
      'limit.max !== undefined → true',
    ],
  },
];

const folder = 'packages/server/src/domain';

export const changes = [
  {
    file: `${folder}/environment-views.ts`,
    reason: 'Equivalent: no view has the id undefined.',
    mutants: ['id === undefined → false'],
  },
  {
    file: `${folder}/change-writer.ts`,
    reason: 'Equivalent: replaced before it is read, or an entry that belongs to no environment.',
    mutants: ['[] → ["Stryker was here"]'],
  },
  {
    file: `${folder}/effective-values.ts`,
    reason: 'Equivalent, with one read more: no environment has the id null.',
    mutants: ['next !== null → true', 'dependent.fallbackEnvironmentId === null → false'],
  },
  {
    file: `${folder}/snapshot-feeds.ts`,
    reason: 'Equivalent: readers join only after the first view was shown.',
    mutants: [
      `'' → "Stryker was here!"`,
      'this.#view?.environment → this.#view.environment',
      'this.#view === undefined → false',
    ],
  },
  {
    file: `${folder}/snapshot-feeds.ts`,
    reason: 'Equivalent: set again before it is read.',
    mutants: ['false → true'],
  },
  {
    file: `${folder}/snapshot-feeds.ts`,
    reason: 'Equivalent: under the same name, every reader may still use the environment.',
    mutants: ['previous?.environment.name !== view.environment.name → true'],
  },
  {
    file: `${folder}/snapshot-feeds.ts`,
    reason: 'Only slower: more turns of the event loop than needed.',
    mutants: [
      'performance.now() + TURN_MS → performance.now() - TURN_MS',
      'performance.now() < endsAt → false',
      'performance.now() < endsAt → performance.now() <= endsAt',
      'performance.now() < endsAt → performance.now() >= endsAt',
    ],
  },
];

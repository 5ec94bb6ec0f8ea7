export const changes = [
  {
    file: 'packages/server/src/domain/environment-views.ts',
    reason: 'Equivalent: no view has the id undefined.',
    mutants: ['id === undefined → false'],
  },
];

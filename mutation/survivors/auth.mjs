const folder = 'packages/server/src/auth';

export const auth = [
  {
    file: `${folder}/authentication.ts`,
    reason:
      'Equivalent: any text that is neither a key nor a token is refused, and only "header" is compared.',
    mutants: [`'' → "Stryker was here!"`, `'query' → ""`],
  },
];

const folder = 'packages/server/src/auth';

export const auth = [
  {
    file: `${folder}/authentication.ts`,
    reason:
      'Equivalent: any text that is neither a key nor a token is refused, and only "header" is compared.',
    mutants: [`'' → "Stryker was here!"`, `'query' → ""`],
  },
  {
    file: `${folder}/token-service.ts`,
    reason: 'Equivalent: the counter only has to change.',
    mutants: ['this.#revocations += 1 → this.#revocations -= 1'],
  },
  {
    file: `${folder}/token-service.ts`,
    reason:
      'Equivalent: what is undefined or not a string throws in the next lines, which counts as not valid.',
    mutants: [
      '!key → false',
      `typeof scope !== 'string' || typeof exp !== 'number' → false`,
      `typeof scope !== 'string' || typeof exp !== 'number' → typeof scope !== 'string' && typeof exp !== 'number'`,
      `typeof scope !== 'string' → false`,
      '{ // The caller learns only that the token is not valid, not why. return undefi… → {}',
    ],
  },
  {
    file: `${folder}/token-service.ts`,
    reason: 'Equivalent: jose refuses a token whose `exp` is not a number.',
    mutants: [`typeof exp !== 'number' → false`],
  },
  {
    file: `${folder}/token-service.ts`,
    reason: 'Only for the types: a generated or imported EC key always has all its parts.',
    mutants: [
      '!kty || !crv || !x || !y || !d → false',
      '!kty || !crv || !x || !y || !d → (!kty || !crv || !x || !y) && !d',
      '!kty || !crv || !x || !y → false',
      '!kty || !crv || !x || !y → (!kty || !crv || !x) && !y',
      '!kty || !crv || !x → false',
      '!kty || !crv || !x → (!kty || !crv) && !x',
      '!kty || !crv → false',
      '!kty || !crv → !kty && !crv',
      'key instanceof Uint8Array → false',
    ],
  },
  {
    file: `${folder}/access-watch.ts`,
    reason:
      'Equivalent: what is missing throws in the next lines, or gives undefined, which counts as no access.',
    mutants: [
      'client !== undefined → true',
      'principal.environments?.every → principal.environments.every',
      '{ // Access that cannot be checked does not count. return false; } → {}',
    ],
  },
  {
    file: `${folder}/access-watch.ts`,
    reason: 'Equivalent: the directory, which reads the same client, notices a revocation too.',
    mutants: ['client.revokedAt !== null → false', 'false → true'],
  },
  {
    file: `${folder}/access-watch.ts`,
    reason: 'Equivalent: one more timer of 0 ms.',
    mutants: ['leftMs > 0 → leftMs >= 0'],
  },
  {
    file: `${folder}/client-directory.ts`,
    reason: 'Equivalent: undefined is false too, and the counter only has to change.',
    mutants: ['{ mayDoLess: false } → {}', 'this.#generation += 1 → this.#generation -= 1'],
  },
  {
    file: `${folder}/credentials.ts`,
    reason: 'Equivalent: no digits of a hash, and no credential has a hash of zeros.',
    mutants: [`'' → "Stryker was here!"`, 'comparable === stored → true'],
  },
  {
    file: `${folder}/auth-client-service.ts`,
    reason: 'Equivalent: a protocol of a URL ends with its only colon.',
    mutants: ['/^https?:$/ → /^https?:/'],
  },
];

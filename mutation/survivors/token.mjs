const folder = 'packages/core/src/token';

export const token = [
  {
    file: `${folder}/cached-token.ts`,
    reason: 'Only speed: the clocks are read more often, or the first time one call later.',
    mutants: [
      '-1 → +1',
      'wall !== this.#checkedAt → true',
      '{ this.#checkedAt = wall; this.#checks = 0; } → {}',
      'this.#uncheckedLeft > 0 → false',
      '{ this.#uncheckedLeft -= 1; return true; } → {}',
      'this.#checks + 1 → this.#checks - 1',
      'this.#checks > CHECK_INTERVAL → false',
      'this.#checks > CHECK_INTERVAL → this.#checks >= CHECK_INTERVAL',
    ],
  },
  {
    file: `${folder}/exchange-pace.ts`,
    reason: 'Equivalent: the first exchange waits for nothing, and sets both fields.',
    mutants: ['false → true'],
  },
  {
    file: `${folder}/shared-token-provider.ts`,
    reason: 'Equivalent: a list of more than 100 has a first entry, and names are unique, in either order.',
    mutants: ['oldest !== undefined → true', 'one < other → one <= other', 'one < other → one >= other'],
  },
  {
    file: `${folder}/shared-token-provider.ts`,
    reason: 'The name of the registry matters only between two copies of the package.',
    mutants: [`'@smooai/config/token-providers/1' → ""`],
  },
  {
    file: `${folder}/token-exchange.ts`,
    reason: 'A token that expires in the very millisecond of its arrival: it is dropped at its first use.',
    mutants: ['startedAt.elapsedMs() >= granted.lifetimeMs → startedAt.elapsedMs() > granted.lifetimeMs'],
  },
  {
    file: `${folder}/token-exchange.ts`,
    reason: 'Only speed: a timer for a secret that is there already.',
    mutants: ['isThenable(secret) → true'],
  },
  {
    file: `${folder}/token-exchange.ts`,
    reason: 'Equivalent: a secret that occurs in no text.',
    mutants: ['[] → ["Stryker was here"]'],
  },
  {
    file: `${folder}/token-exchange.ts`,
    reason: 'Equivalent: what is thrown instead is reported in the same way.',
    mutants: ['deadline.over?.kind → deadline.over.kind', 'text === undefined → false'],
  },
  {
    file: `${folder}/token-provider.ts`,
    reason: 'Only speed: a cache hit takes the longer way.',
    mutants: ['options === undefined && cached?.isFresh() → false'],
  },
  {
    file: `${folder}/token-provider.ts`,
    reason: 'Equivalent: there is a cached token, undefined is false too, or what is thrown is caught.',
    mutants: [
      'this.#cached?.isFresh → this.#cached.isFresh',
      '{ isBackground: false } → {}',
      'this.#settings.waitUntil?.(settled) → this.#settings.waitUntil(settled)',
    ],
  },
  {
    file: `${folder}/token-provider.ts`,
    reason: 'A limit that is reached to the microsecond.',
    mutants: [
      'performance.now() + error.retryAfterMs > endsAt → performance.now() + error.retryAfterMs >= endsAt',
      'durationMs + retryInMs < leftMs → durationMs + retryInMs <= leftMs',
    ],
  },
  {
    file: `${folder}/token-provider.ts`,
    reason:
      'After the pause of a throttled exchange: the next wait fails for an aborted signal in the same way.',
    mutants: ['signal?.aborted → false'],
  },
];

const folder = 'packages/core/src/disk-cache';

export const diskCache = [
  {
    file: `${folder}/cache-envelope.ts`,
    reason: 'Equivalent: JSON leaves undefined fields out, and bytes beyond the array are ignored.',
    mutants: ['secrets !== undefined → true', 'index < binary.length → index <= binary.length'],
  },
  {
    file: `${folder}/cache-envelope.ts`,
    reason: 'Equivalent: a function without a result returns `undefined`.',
    mutants: ['{ return undefined; } → {}'],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason: 'Equivalent: UTF-8 is the default for writing, and the pattern reads a buffer as a string.',
    mutants: [`'utf8' → ""`],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason: 'Only how long a write waits for the lock.',
    mutants: [
      'attempt < LOCK_ATTEMPTS → attempt <= LOCK_ATTEMPTS',
      'LOCK_WAIT_MS * (0.5 + Math.random()) → LOCK_WAIT_MS / (0.5 + Math.random())',
      '0.5 + Math.random() → 0.5 - Math.random()',
    ],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason: 'Equivalent: every result but "done" means that the lock was busy.',
    mutants: [`'busy' → ""`],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason:
      'Only a large file or a pipe in place of the lock would show it; both are never written by this package.',
    mutants: [
      'stats.isFile() && stats.size < 1_000 → true',
      'stats.isFile() && stats.size < 1_000 → stats.isFile() || stats.size < 1_000',
      'stats.size < 1_000 → true',
      'stats.size < 1_000 → stats.size <= 1_000',
      '/^\\["(.*)",(\\d+)\\]$/ → /\\["(.*)",(\\d+)\\]$/',
      '/^\\["(.*)",(\\d+)\\]$/ → /^\\["(.*)",(\\d+)\\]/',
    ],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason:
      'Equivalent, or only seen if the lock disappears between two calls: no lock is the lock of a process.',
    mutants: [
      '() => false → () => undefined',
      'false → true',
      "() => '' → () => undefined",
      `'' → "Stryker was here!"`,
      '[] → ["Stryker was here"]',
      'pid === undefined → false',
      'stats !== undefined → true',
    ],
  },
  {
    file: `${folder}/cache-file.ts`,
    reason: 'One millisecond of ten seconds.',
    mutants: ['Date.now() - stats.mtimeMs > ms → Date.now() - stats.mtimeMs >= ms'],
  },
  {
    file: `${folder}/disk-cache.ts`,
    reason: 'Only a runtime without a file system reaches it.',
    mutants: [
      'fs === undefined || path === undefined || os === undefined → false',
      'fs === undefined || path === undefined || os === undefined → (fs === undefined || path === undefined) && os === undefined',
      'fs === undefined || path === undefined → false',
      'fs === undefined || path === undefined → fs === undefined && path === undefined',
      'fs === undefined → false',
      'path === undefined → false',
      'os === undefined → false',
      `{ throw new OptionsError('cache', 'This runtime has no file system. Leave out "… → {}`,
      `'cache' → ""`,
    ],
  },
  {
    file: `${folder}/disk-cache.ts`,
    reason: 'Not reachable: a write is scheduled only once there is a ruleset.',
    mutants: ['ruleset === undefined → false'],
  },
  {
    file: `${folder}/disk-cache.ts`,
    reason: 'Equivalent: the case of equal revisions returns before.',
    mutants: ['difference > 0 → difference >= 0'],
  },
  {
    file: `${folder}/text-file.ts`,
    reason: 'One byte of 64 MiB.',
    mutants: ['stats.size > MAX_BYTES → stats.size >= MAX_BYTES'],
  },
  {
    file: `${folder}/text-file.ts`,
    reason: 'Equivalent: whatever is thrown, the file counts as unreadable.',
    mutants: ['{ super(code); this.code = code; } → {}'],
  },
  {
    file: `${folder}/text-file.ts`,
    reason: 'Node.js throws only errors with a code here.',
    mutants: [
      "error instanceof Error && 'code' in error → true",
      "error instanceof Error && 'code' in error → error instanceof Error || 'code' in error",
      `'unknown' → ""`,
    ],
  },
  {
    file: `${folder}/disk-cache.ts`,
    reason: 'Only one more timer, which finds nothing to write.',
    mutants: ['this.#timer === undefined → true'],
  },
];

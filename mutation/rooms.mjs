// The rooms that are mutated: files and folders of a package, and globs for the tests. Only the tests named here run, so a mutant
// that nothing but a distant test would notice counts as survived.

/** The share of mutants, in percent, that the tests of a room should notice. */
export const aim = 85;

export const rooms = {
  redact: {
    package: 'core',
    mutate: ['src/http/redact.ts'],
    tests: ['src/http/*.test.ts', 'src/errors.leaks.test.ts', 'src/token/token-provider.leaks.test.ts'],
  },
  token: {
    package: 'core',
    mutate: ['src/token'],
    tests: ['src/token/*.test.ts'],
  },
  evaluation: {
    package: 'core',
    mutate: ['src/evaluation'],
    tests: ['src/evaluation/**/*.test.ts'],
  },
  ruleset: {
    package: 'core',
    mutate: ['src/ruleset'],
    tests: ['src/ruleset/*.test.ts', 'src/client/config-client*.test.ts'],
  },
  'disk-cache': {
    package: 'core',
    mutate: ['src/disk-cache'],
    tests: ['src/disk-cache/*.test.ts', 'src/client/config-client.{cache,disk}.test.ts'],
    // Tests of file modes set the umask, which a worker thread cannot.
    pool: 'forks',
  },
  auth: {
    package: 'server',
    mutate: ['src/auth'],
    tests: ['src/auth/*.test.ts', 'src/routes/{auth-clients,token,two-organizations}.test.ts'],
  },
  domain: {
    package: 'server',
    mutate: ['src/domain'],
    tests: [
      'src/domain/**/*.test.ts',
      'src/routes/{environments,evaluate,ruleset,schemas,segments,snapshot,stream}.test.ts',
      'src/routes/{values,values.targeting,two-organizations}.test.ts',
    ],
  },
  streams: {
    package: 'server',
    mutate: ['src/http/event-stream.ts', 'src/routes/stream.ts', 'src/routes/snapshot.ts'],
    tests: ['src/http/event-stream*.test.ts', 'src/routes/{stream,snapshot}*.test.ts'],
  },
};

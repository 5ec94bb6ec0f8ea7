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
    tests: ['src/ruleset/*.test.ts'],
  },
  leaks: {
    package: 'core',
    mutate: ['src/leaks'],
    tests: ['src/leak-scan*.test.ts'],
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
    // Without the tests that start a server: these are quick.
    tests: [
      'src/auth/{guard,token-service,access-watch,client-directory,auth-client-service,attempt-limiter,credentials}.test.ts',
    ],
  },
  // The parts of the streams and of the domain that have tests of their own, which need no server and are quick.
  'event-stream': {
    package: 'server',
    mutate: ['event-stream', 'stream-limits', 'read-limit'].map((name) => `src/http/${name}.ts`),
    tests: ['src/http/{event-stream,stream-limits,read-limit}*.test.ts'],
  },
  streams: {
    package: 'server',
    mutate: ['src/routes/stream.ts', 'src/routes/snapshot.ts'],
    tests: ['src/routes/{stream,snapshot}*.test.ts'],
  },
  changes: {
    package: 'server',
    mutate: [
      'src/domain/key-ownership.ts',
      'src/domain/change-writer.ts',
      'src/domain/environment-views.ts',
      'src/domain/effective-values.ts',
      'src/domain/snapshot-feeds.ts',
    ],
    tests: ['src/domain/*.test.ts'],
  },
  domain: {
    package: 'server',
    // What `changes` does not have, and the tests of the domain reach without a server.
    mutate: [
      ...['access', 'change-bus', 'config-service', 'environment-view', 'environments', 'refusal'],
      ...['schemas', 'segment-use', 'segments', 'snapshot', 'unique-name', 'values'],
    ].map((name) => `src/domain/${name}.ts`),
    tests: ['src/domain/**/*.test.ts'],
  },
  validation: {
    package: 'server',
    mutate: ['src/domain/checked-write.ts', 'src/domain/validation'],
    // Without the tests of the routes, which notice a few more.
    tests: ['src/domain/validation/*.test.ts', 'src/domain/{checked-write,schemas,segments,values}.test.ts'],
  },
};

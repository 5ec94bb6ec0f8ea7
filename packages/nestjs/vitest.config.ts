import { defineConfig } from 'vitest/config';

/** By default all tests. With `--mode long` those under load, with their full number of requests. */
export default defineConfig(({ mode }) => {
  const isLong = mode === 'long';
  return {
    resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
    // Without `import`: these also become Node's own conditions, and `require` in express must not load ESM builds.
    ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node'] } },
    test: {
      // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
      testTimeout: isLong ? 300_000 : 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      // The files share their modules in each worker: importing Nest takes longer than the tests. No test changes a module's
      // state.
      isolate: false,
      include: isLong ? ['src/**/*.load.test.ts'] : ['src/**/*.test.{ts,tsx}'],
      env: isLong ? { CONFIG_TEST_RUNS: 'full' } : {},
      typecheck: { enabled: !isLong, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
      reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
      outputFile: { json: `test-results/${isLong ? 'long' : 'unit'}.json` },
    },
  };
});

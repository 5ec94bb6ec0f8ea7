import { configDefaults, defineConfig } from 'vitest/config';

const longTests = 'src/**/*.long.test.ts';

/** By default all but the long tests. With `--mode long` those, and the property tests at their full number of runs. */
export default defineConfig(({ mode }) => {
  const isLong = mode === 'long';
  return {
    resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
    ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } },
    test: {
      // Several suites share the machine. No test waits for this to pass.
      testTimeout: isLong ? 120_000 : 30_000,
      include: isLong ? [longTests, 'src/**/*.properties.test.ts'] : ['src/**/*.test.{ts,tsx}'],
      exclude: isLong ? configDefaults.exclude : [...configDefaults.exclude, longTests],
      env: isLong ? { CONFIG_TEST_RUNS: 'full' } : {},
      typecheck: { enabled: !isLong, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
      reporters: ['default', 'json'],
      outputFile: { json: `test-results/${isLong ? 'long' : 'unit'}.json` },
    },
  };
});

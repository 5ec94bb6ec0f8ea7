import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

const longTests = 'src/**/*.long.test.ts';

/** The test files whose number of runs depends on CONFIG_TEST_RUNS, as they import `test-support/runs.ts`. */
function testsWithRuns(): string[] {
  const root = import.meta.dirname;
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => readFileSync(join(root, file), 'utf8').includes("/test-support/runs.ts'"));
}

/** By default all tests but the long ones. With `--mode long` those, and the tests with a number of runs at their full one. */
export default defineConfig(({ mode }) => {
  const isLong = mode === 'long';
  return {
    resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
    ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } },
    test: {
      setupFiles: ['./src/test-support/load-ofetch.ts'],
      // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
      testTimeout: isLong ? 300_000 : 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      include: isLong ? [longTests, ...testsWithRuns()] : ['src/**/*.test.{ts,tsx}'],
      exclude: isLong ? configDefaults.exclude : [...configDefaults.exclude, longTests],
      env: isLong ? { CONFIG_TEST_RUNS: 'full' } : {},
      typecheck: { enabled: !isLong, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
      reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
      outputFile: { json: `test-results/${isLong ? 'long' : 'unit'}.json` },
    },
  };
});

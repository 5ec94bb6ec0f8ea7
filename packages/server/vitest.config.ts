import { configDefaults, defineConfig } from 'vitest/config';

const longTests = 'src/**/*.long.test.ts';

/** By default all tests but the long ones. With `--mode long` only those. */
export default defineConfig(({ mode }) => {
  const isLong = mode === 'long';
  return {
    resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
    // Without `import`, which Vite adds itself: vitest gives this list to Node, whose `require` would then find ES modules in
    // packages such as pg, which cannot load them.
    ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'default'] } },
    test: {
      // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
      testTimeout: isLong ? 300_000 : 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      include: isLong ? [longTests] : ['src/**/*.test.{ts,tsx}'],
      exclude: isLong ? configDefaults.exclude : [...configDefaults.exclude, longTests],
      typecheck: { enabled: !isLong, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
      reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
      outputFile: { json: `test-results/${isLong ? 'long' : 'unit'}.json` },
    },
  };
});

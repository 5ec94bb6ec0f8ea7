import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
  // Without `import`: these also become Node's own conditions, and `require` in express must not load ESM builds.
  ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node'] } },
  test: {
    // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    include: ['src/**/*.test.ts'],
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
  },
});

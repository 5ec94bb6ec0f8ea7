import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
  // Without `import`: these also become Node's own conditions, and `require` in express must not load ESM builds.
  ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node'] } },
  test: {
    // Generous, because several suites share the machine. No test waits for it.
    testTimeout: 30_000,
    // The files share their modules in each worker: importing Nest takes longer than the tests. No test changes a module's
    // state.
    isolate: false,
    include: ['src/**/*.test.{ts,tsx}'],
    typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/unit.json' },
  },
});

import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } },
  test: {
    // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // The files share their modules in each worker: importing the server takes longer than most files. No test changes
    // a module's state.
    isolate: false,
    include: ['src/**/*.test.{ts,tsx}'],
    typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
  },
});

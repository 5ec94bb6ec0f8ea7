import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } },
  test: {
    // Generous, since several suites share the machine; nothing waits for it to pass.
    testTimeout: 30_000,
    include: ['src/**/*.test.{ts,tsx}'],
    typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/unit.json' },
  },
});

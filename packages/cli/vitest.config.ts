import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@smooai/source', 'module', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } },
  test: {
    // Each test starts a server of its own and compiles a schema; a busy machine takes its time.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    include: ['src/**/*.test.{ts,tsx}'],
    typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/unit.json' },
  },
});

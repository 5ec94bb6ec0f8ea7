import { defineConfig } from 'vitest/config';

// Without the source condition, because these suites use the built packages, as a user would.
export default defineConfig({
  test: {
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    projects: [
      {
        test: {
          name: 'integration',
          // Two, because the soak test mostly waits.
          maxWorkers: 2,
          include: ['src/integration/**/*.test.ts'],
          // The cells of the fault matrix mostly wait.
          maxConcurrency: 16,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'browser',
          fileParallelism: false,
          include: ['src/browser/**/*.test.ts'],
          testTimeout: 90_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});

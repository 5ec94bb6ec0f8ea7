import { defineConfig } from 'vitest/config';

// These suites run what was built, as a user would get it: no source condition here.
export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    projects: [
      {
        test: {
          name: 'integration',
          // The soak mostly waits, beside the others.
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

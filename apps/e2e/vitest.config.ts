import { defineConfig } from 'vitest/config';

// A busy machine may stop for seconds between any two lines. No test waits for these to pass.
const generous = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 60_000 } },
};

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
          ...generous,
        },
      },
      {
        test: {
          name: 'browser',
          fileParallelism: false,
          include: ['src/browser/**/*.test.ts'],
          ...generous,
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';

// Without the source condition, because these apps use the built packages, as a user would.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    globalSetup: 'src/builds.ts',
    // One `next build` at a time.
    fileParallelism: false,
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});

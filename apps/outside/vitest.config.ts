import { defineConfig } from 'vitest/config';
import { KnownFaultsReporter } from './src/harness/known-faults-reporter.ts';

const minute = 60_000;

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    globalSetup: 'src/harness/outside-folder.ts',
    // Each project keeps a core busy: two at once.
    maxWorkers: 2,
    // A step has a time limit of its own, which ends its process and shows its output.
    testTimeout: 15 * minute,
    hookTimeout: 15 * minute,
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs', new KnownFaultsReporter()],
    outputFile: { json: 'test-results/outside.json' },
  },
});

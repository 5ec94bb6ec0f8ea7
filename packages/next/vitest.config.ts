import { defineConfig } from 'vitest/config';

/** Of each project, because a project does not inherit from the root. */
const shared = {
  // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 30_000 } },
} as const;
const conditions = ['@smooai/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  test: {
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
    projects: [
      {
        // `server-only` throws unless it is resolved with the condition that Next sets for server components.
        ssr: { resolve: { conditions: ['react-server', ...conditions] } },
        test: {
          ...shared,
          name: 'server',
          include: ['src/**/*.test.ts'],
          setupFiles: 'src/test-support/next-environment.ts',
          server: { deps: { inline: ['server-only'] } },
          typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.ts'] },
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: { ...shared, name: 'client', include: ['src/**/*.test.tsx'], environment: 'jsdom' },
      },
    ],
  },
});

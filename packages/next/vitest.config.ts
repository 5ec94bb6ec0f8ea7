import { defineConfig } from 'vitest/config';

const conditions = ['@smooai/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  test: {
    // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
    projects: [
      {
        // Else a project has the defaults of Vitest, such as a limit of 5 s.
        extends: true,
        // `server-only` throws unless it is resolved with the condition that Next sets for server components.
        ssr: { resolve: { conditions: ['react-server', ...conditions] } },
        test: {
          name: 'server',
          include: ['src/**/*.test.ts'],
          setupFiles: 'src/test-support/next-environment.ts',
          server: { deps: { inline: ['server-only'] } },
          typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.ts'] },
        },
      },
      {
        extends: true,
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: { name: 'client', include: ['src/**/*.test.tsx'], environment: 'jsdom' },
      },
    ],
  },
});

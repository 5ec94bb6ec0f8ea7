import { defineConfig } from 'vitest/config';

const conditions = ['@smooai/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  test: {
    // Generous, because several suites share the machine. No test waits for it.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
    projects: [
      {
        // Else a project has the defaults of vitest, such as a limit of 5 s.
        extends: true,
        // `server-only` throws unless it is resolved with the condition that Next sets for server components.
        ssr: { resolve: { conditions: ['react-server', ...conditions] } },
        test: {
          name: 'server',
          include: ['src/**/*.test.ts'],
          setupFiles: 'src/test-support/next-environment.ts',
          expect: { poll: { timeout: 20_000 } },
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

import { defineConfig } from 'vitest/config';

const conditions = ['@smooai/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  test: {
    // Generous, since several suites share the machine; nothing waits for it to pass.
    testTimeout: 30_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results/unit.json' },
    projects: [
      {
        // `server-only` throws unless it is resolved as Next does for server components.
        ssr: { resolve: { conditions: ['react-server', ...conditions] } },
        test: {
          name: 'server',
          include: ['src/**/*.test.ts'],
          server: { deps: { inline: ['server-only'] } },
          typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.ts'] },
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: { name: 'client', include: ['src/**/*.test.tsx'], environment: 'jsdom' },
      },
    ],
  },
});

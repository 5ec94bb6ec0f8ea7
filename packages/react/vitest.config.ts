import { defineConfig } from 'vitest/config';
import { reactCompiler } from './src/test-support/react-compiler.ts';

const shared = {
  // Generous: a busy machine may stop for seconds between any two lines. No test waits for these to pass.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 30_000 } },
  include: ['src/**/*.test.{ts,tsx}'],
  exclude: ['src/react-compiler.test.tsx'],
  environment: 'jsdom',
  globalSetup: 'src/test-support/config-server.ts',
} as const;
const resolve = { conditions: ['@smooai/source', 'module', 'import', 'default'] };
const ssr = { resolve: { conditions: ['@smooai/source', 'module', 'node', 'import', 'default'] } };

export default defineConfig({
  test: {
    reporters: ['default', 'json', '../../scripts/unhandled-errors-reporter.mjs'],
    outputFile: { json: 'test-results/unit.json' },
    projects: [
      {
        resolve,
        ssr,
        test: {
          ...shared,
          name: 'react-19',
          typecheck: { enabled: true, checker: 'tsc', include: ['src/**/*.test-d.{ts,tsx}'] },
        },
      },
      {
        plugins: [reactCompiler()],
        resolve,
        ssr,
        test: {
          ...shared,
          name: 'react-compiler',
          include: [
            'src/{activity,config-context,first-values,index.hooks,react-compiler,testing,tracking}.test.tsx',
          ],
          exclude: [],
        },
      },
      {
        resolve: { ...resolve, alias: [{ find: /^(react(?:-dom)?)(?=\/|$)/, replacement: '$1-18' }] },
        ssr,
        test: { ...shared, name: 'react-18', setupFiles: 'src/test-support/use-react-18.ts' },
      },
    ],
  },
});

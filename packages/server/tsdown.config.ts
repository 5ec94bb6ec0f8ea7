import { defineConfig } from 'tsdown';
import { packDocs } from '../../scripts/pack-docs.mjs';

const PG_PARTS = [
  'pg-cloudflare',
  'pg-connection-string',
  'pg-int8',
  'pg-pool',
  'pg-protocol',
  'pg-types',
  'pgpass',
  'postgres-array',
  'postgres-bytea',
  'postgres-date',
  'postgres-interval',
  'split2',
  'xtend',
];

export default defineConfig([
  {
    entry: ['src/index.ts', 'src/main.ts'],
    format: ['esm'],
    platform: 'node',
    target: 'es2022',
    fixedExtension: false,
    dts: { oxc: true },
    sourcemap: true,
    // The package contains src, to which the map refers.
    outputOptions: { sourcemapExcludeSources: true },
    // Of kysely a tenth is used, and its package has 7 MB. pg and its parts are loaded only with PostgreSQL.
    deps: { onlyBundle: ['kysely', 'pg', ...PG_PARTS] },
    hooks: { 'build:done': () => packDocs('server') },
  },
  {
    // With its dependency, so that users do not install 57 MB of it. `CheckThread` starts it as a file of its own.
    entry: { 'check-worker': 'src/domain/validation/check-worker.js' },
    format: ['esm'],
    platform: 'node',
    target: 'es2022',
    fixedExtension: false,
    dts: false,
    clean: false,
    minify: true,
    deps: { onlyBundle: ['recheck'] },
  },
]);

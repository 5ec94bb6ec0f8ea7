import { defineConfig } from 'tsdown';

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
    // A tenth of it is used, and its package has 7 MB.
    deps: { onlyBundle: ['kysely'] },
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

import { defineConfig } from 'tsdown';
import { packDocs } from '../../scripts/pack-docs.mjs';

export default defineConfig({
  entry: ['src/index.ts', 'src/server.ts', 'src/browser.ts', 'src/testing.ts', 'src/leak-scan.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  dts: { oxc: true },
  sourcemap: true,
  // Jest has no dynamic import in CommonJS: there, ofetch is required with the first request.
  // The package contains src, to which the maps refer.
  outputOptions: { dynamicImportInCjs: false, sourcemapExcludeSources: true },
  hooks: { 'build:done': () => packDocs('core') },
});

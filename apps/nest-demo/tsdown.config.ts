import { defineConfig } from 'tsdown';

export default defineConfig([
  {
    entry: ['src/main.ts'],
    format: ['esm'],
    platform: 'node',
    target: 'es2022',
    fixedExtension: false,
    dts: false,
    sourcemap: true,
  },
  {
    entry: { 'browser/live-page': 'src/browser/live-page.ts' },
    format: ['esm'],
    platform: 'browser',
    target: 'es2022',
    fixedExtension: false,
    dts: false,
    clean: false,
    minify: true,
    noExternal: [/./],
  },
]);

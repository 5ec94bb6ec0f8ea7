import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    testing: 'src/testing.tsx',
    tracking: 'src/tracking.tsx',
    vite: 'src/vite.ts',
  },
  deps: { neverBundle: [/^node:/] },
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  dts: { oxc: true },
  sourcemap: true,
  // A file for each module: esbuild keeps every import of a file that is used at all.
  unbundle: true,
});

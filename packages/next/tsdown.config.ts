import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/server.ts', 'src/client.ts', 'src/route-handler.ts', 'src/testing.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  // The package imports its own client entry by name: a bundled copy would lose its 'use client'.
  external: [/^node:/, /^@smooai\/config-next\//],
  target: 'es2022',
  fixedExtension: false,
  dts: { oxc: true },
  sourcemap: true,
});

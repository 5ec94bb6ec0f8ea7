import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/server.ts', 'src/client.ts', 'src/route-handler.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  external: [/^node:/],
  target: 'es2022',
  fixedExtension: false,
  dts: { oxc: true },
  sourcemap: true,
});

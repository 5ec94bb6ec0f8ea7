import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts', 'src/products.ts'],
  format: ['esm'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The type of `config` is inferred, which only the compiler can write down; TypeScript 7 has no compiler API.
  dts: { tsgo: { path: fileURLToPath(new URL('./node_modules/typescript/bin/tsc', import.meta.url)) } },
});

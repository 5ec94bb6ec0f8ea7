import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/countries.ts',
    'src/defaults.ts',
    'src/display.ts',
    'src/orders.ts',
    'src/products.ts',
  ],
  format: ['esm'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The type of `config` is inferred, so only the compiler can generate it, and TypeScript 7 has no compiler API.
  dts: { tsgo: { path: fileURLToPath(new URL('./node_modules/typescript/bin/tsc', import.meta.url)) } },
});

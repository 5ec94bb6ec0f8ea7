import { defineConfig, type UserConfig } from 'tsdown';

const shared: UserConfig = {
  format: ['esm'],
  target: 'es2022',
  fixedExtension: false,
  dts: false,
  // Two builds share the folder, so neither can empty it.
  clean: false,
};

export default defineConfig(({ watch }) => [
  {
    ...shared,
    entry: ['src/main.ts'],
    platform: 'node',
    sourcemap: true,
    ...(watch ? { onSuccess: 'node dist/main.js' } : {}),
  },
  {
    ...shared,
    entry: { 'browser/live-page': 'src/browser/live-page.ts' },
    platform: 'browser',
    minify: true,
    deps: { alwaysBundle: [/./] },
  },
]);

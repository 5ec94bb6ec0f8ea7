import { defineConfig } from 'tsdown';

// Each entry is built by itself. A chunk that two of them share would lose its 'use client', and would bring `server-only`
// into the others. What they share at run time is behind global symbols.
export default defineConfig(
  ['server', 'client', 'route-handler', 'testing', 'plugin', 'scan-adapter', 'variants'].map((name) => ({
    entry: [`src/${name}.ts`],
    format: ['esm', 'cjs'],
    platform: 'neutral',
    // The package imports its own client entry by name.
    external: [/^node:/, /^@smooai\/config-next\//],
    target: 'es2022',
    fixedExtension: false,
    dts: { oxc: true },
    sourcemap: true,
    // `import.meta.url` of CommonJS, by which next.config finds the adapter.
    shims: name === 'plugin',
  })),
);

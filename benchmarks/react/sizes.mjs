// The bytes of a provider and a hook that reads one flag: minified for browsers by esbuild, with React left out, brotli.
import { resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const packages = resolve(import.meta.dirname, '../../packages');
const ours = `export { ConfigProvider, useFlag } from '${packages}/react/dist/index.js';`;
const apps = {
  "@smooai/config-react, a server's snapshot": ours,
  '@smooai/config-react, live and shared by tabs': `${ours} export { createSnapshotSource } from '${packages}/core/dist/browser.js';`,
  'OpenFeature, with its in-memory provider':
    "export { InMemoryProvider, OpenFeature, OpenFeatureProvider, useBooleanFlagValue } from '@openfeature/react-sdk';",
  Unleash: "export { FlagProvider, useFlag } from '@unleash/proxy-client-react';",
  GrowthBook:
    "export { GrowthBook, GrowthBookProvider, useFeatureIsOn } from '@growthbook/growthbook-react';",
  LaunchDarkly: "export { LDProvider, useFlags } from 'launchdarkly-react-client-sdk';",
};

process.stdout.write('| provider and one hook | minified, kB | brotli, kB |\n| --- | ---: | ---: |\n');
for (const [name, contents] of Object.entries(apps)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'react-dom', 'react/*'],
  });
  const code = outputFiles[0].contents;
  const kB = (bytes) => (bytes / 1000).toFixed(2);
  process.stdout.write(`| ${name} | ${kB(code.length)} | ${kB(brotliCompressSync(code).length)} |\n`);
}

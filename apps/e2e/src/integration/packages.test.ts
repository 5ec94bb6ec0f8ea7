import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));

interface Manifest {
  name: string;
  exports: Record<string, string | Record<string, unknown>>;
  peerDependencies?: Record<string, string>;
  bin?: Record<string, string>;
}

/** Returns the peer dependencies and tools of the test projects, with the versions of the workspace. */
async function frameworks(): Promise<string[]> {
  const workspace = await readFile(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const version = (name: string): string => {
    const line = workspace
      .split('\n')
      .find((text) => text.trim().replaceAll(/['"]/g, '').startsWith(`${name}:`));
    return `${name}@${line?.split(': ')[1]?.trim() ?? 'latest'}`;
  };
  return [
    'react',
    'react-dom',
    'next',
    '@nestjs/common',
    '@nestjs/core',
    '@openfeature/core',
    '@openfeature/server-sdk',
    '@openfeature/web-sdk',
    'rxjs',
    'reflect-metadata',
    'zod',
    'typescript',
    '@types/node',
    '@types/react',
    'vite',
  ].map(version);
}

describe('the packed packages', () => {
  let folder: string;
  const manifests: Manifest[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smooai-config-pack-'));
    const tarballs = join(folder, 'tarballs');
    await mkdir(tarballs);
    const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    for (const name of await readdir(join(root, 'packages'))) {
      const path = join(root, 'packages', name);
      manifests.push(JSON.parse(await readFile(join(path, 'package.json'), 'utf8')));
      await run('npx', ['-y', packageManager, 'pack', '--pack-destination', tarballs], { cwd: path });
    }
    const files = (await readdir(tarballs)).map((file) => `./tarballs/${file}`);
    expect(files).toHaveLength(manifests.length);
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
    );
    const install = [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...files,
      ...(await frameworks()),
    ];
    await run('npm', install, { cwd: folder, maxBuffer: 1e8 });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const node = async (code: string, args: string[] = []): Promise<string> => {
    const { stdout } = await run(process.execPath, [...args, '-e', code], { cwd: folder });
    return stdout.trim();
  };

  it('can be imported: every entry as ESM', async () => {
    for (const manifest of manifests) {
      for (const entry of entriesOf(manifest)) {
        const code = `const m = await import(${JSON.stringify(entry)}); process.stdout.write(String(Object.keys(m).length))`;
        const count = Number(await node(code, ['--input-type=module', ...conditionsOf(entry)]));
        expect(count, entry).toBeGreaterThan(0);
      }
    }
  });

  it('can be required: every entry that code of an application loads, with the same exports', async () => {
    const required: string[] = [];
    const entries = manifests.flatMap((manifest) =>
      entriesOf(manifest)
        .filter((entry) => isDual(manifest, entry))
        .map((entry) => ({ entry, manifest })),
    );
    for (const { entry, manifest } of entries) {
      const conditions = conditionsOf(entry);
      // Nest 12 itself is ESM, so its adapter needs a Node that can require that.
      const isNest = manifest.name === '@smooai/config-nestjs';
      const options = [...conditions, ...(isNest ? [] : ['--no-experimental-require-module'])];
      const text = JSON.stringify(entry);
      const names = (exports: string): string =>
        `process.stdout.write(Object.keys(${exports}).filter((name) => name !== '__esModule').sort().join())`;
      const common = await node(names(`require(${text})`), ['--input-type=commonjs', ...options]);
      const esm = await node(names(`await import(${text})`), ['--input-type=module', ...conditions]);
      expect(common, entry).toBe(esm);
      required.push(entry);
    }
    expect(required.sort()).toEqual([
      '@smooai/config',
      '@smooai/config-nestjs',
      '@smooai/config-nestjs/testing',
      '@smooai/config-next/client',
      '@smooai/config-next/plugin',
      '@smooai/config-next/route-handler',
      '@smooai/config-next/server',
      '@smooai/config-next/testing',
      '@smooai/config-next/variants',
      '@smooai/config-openfeature/server',
      '@smooai/config-openfeature/web',
      '@smooai/config-react',
      '@smooai/config-react/testing',
      '@smooai/config-react/tracking',
      '@smooai/config-react/vite',
      '@smooai/config/browser',
      '@smooai/config/leak-scan',
      '@smooai/config/server',
      '@smooai/config/testing',
    ]);
  });

  it("keep 'use client' as the first statement of the modules that have it, and of no others", async () => {
    const directed: string[] = [];
    for (const manifest of manifests) {
      const installed = join(folder, 'node_modules', manifest.name);
      for (const file of await readdir(join(installed, 'dist'))) {
        const [, name, extension] = /^(.+)\.(c?js)$/.exec(file) ?? [];
        if (name === undefined) continue;
        const code = await readFile(join(installed, 'dist', file), 'utf8');
        const isDirected = /^(['"])use client\1;/.test(code);
        expect(isDirected, file).toBe(await isForClients(join(installed, 'src', name)));
        if (!isDirected) expect(code, file).not.toMatch(/(['"])use client\1;/);
        else if (extension === 'js') directed.push(`${manifest.name}/${name}`);
      }
    }
    expect(directed).toEqual(
      expect.arrayContaining([
        '@smooai/config-next/client',
        '@smooai/config-react/index',
        '@smooai/config-react/testing',
        '@smooai/config-react/tracking',
      ]),
    );
  });

  it('render on a server from CommonJS: the provider and the hooks share one context', async () => {
    const render = (provider: string): string => `
      const { createElement: h } = require('react');
      const { renderToString } = require('react-dom/server');
      const { ConfigProvider } = require(${JSON.stringify(provider)});
      const { useFlag } = require('@smooai/config-react');
      const snapshot = { public: {}, flags: { on: { value: true, source: 'raw' } }, limits: {}, revision: '1', evaluatedAt: 1 };
      const Page = () => h('p', null, String(useFlag('on')));
      process.stdout.write(renderToString(h(ConfigProvider, { snapshot }, h(Page))));`;
    for (const provider of ['@smooai/config-react', '@smooai/config-next/client']) {
      const html = await node(render(provider), [
        '--input-type=commonjs',
        '--no-experimental-require-module',
      ]);
      expect(html, provider).toBe('<p>true</p>');
    }
  });

  it('have working commands', async () => {
    for (const manifest of manifests) {
      for (const name of Object.keys(manifest.bin ?? {})) {
        const { stdout } = await run(join(folder, 'node_modules/.bin', name), ['--help'], { cwd: folder });
        expect(stdout, name).toContain('Usage:');
      }
    }
  });

  it('give types of the registered schema to a user’s code, and reject a wrong key', async () => {
    await writeFile(join(folder, 'user.tsx'), USER_CODE);
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          module: 'ESNext',
          moduleResolution: 'Bundler',
          target: 'ES2022',
          lib: ['ES2023', 'DOM', 'ESNext.Disposable'],
          jsx: 'react-jsx',
          types: ['node'],
          skipLibCheck: true,
        },
        files: ['user.tsx'],
      }),
    );
    const { stdout } = await run(join(folder, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });

  it.each([
    ['Vite', 'vite', ['build', '--logLevel', 'error']],
    ['Next (Turbopack)', 'next', ['build']],
    ['Next (webpack)', 'next', ['build', '--webpack']],
  ])(
    'make a browser build with %s fail, with a clear message, if it imports the server entry',
    async (_, command, args) => {
      const app = join(folder, 'leak');
      await mkdir(join(app, 'app'), { recursive: true });
      await symlink(join(folder, 'node_modules'), join(app, 'node_modules')).catch(() => undefined);
      await writeFile(
        join(app, 'package.json'),
        JSON.stringify({ name: 'leak', private: true, type: 'module' }),
      );
      await writeFile(join(app, 'index.html'), '<script type="module" src="./app/page.jsx"></script>');
      await writeFile(join(app, 'app/layout.jsx'), LAYOUT_CODE);
      await writeFile(join(app, 'app/page.jsx'), LEAK_CODE);
      const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CI: 'true' };
      const output = await run(join(folder, 'node_modules/.bin', command), args, { cwd: app, env }).then(
        () => 'the build passed',
        (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
      );
      expect(output).toContain('server holds secrets: it must not reach a browser');
    },
  );
});

/** The server entry for Next throws without the condition that Next sets for server components. */
function conditionsOf(entry: string): string[] {
  return /config-next\/(server|variants)$/.test(entry) ? ['--conditions', 'react-server'] : [];
}

function isDual(manifest: Manifest, entry: string): boolean {
  const target = manifest.exports[`.${entry.slice(manifest.name.length)}`];
  return typeof target === 'object' && 'require' in target;
}

function entriesOf(manifest: Manifest): string[] {
  return Object.keys(manifest.exports)
    .filter((path) => path !== './package.json')
    .map((path) => manifest.name + path.slice(1));
}

const LAYOUT_CODE = `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}`;

const LEAK_CODE = `'use client';
import { createConfigClient } from '@smooai/config/server';

export default function Page() {
  return <p>{typeof createConfigClient}</p>;
}`;

const USER_CODE = `
import { defineConfig, defineLimit } from '@smooai/config';
import { createConfigClient } from '@smooai/config/server';
import { useFlag, useLimit } from '@smooai/config-react';
import { z } from 'zod';

const config = defineConfig({
  public: { apiBaseUrl: z.url() },
  secrets: { databaseUrl: z.url() },
  flags: { theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
declare module '@smooai/config' { interface Register { config: typeof config } }

const client = createConfigClient({ config });
const theme: 'light' | 'dark' = client.flag('theme', { userId: 'u-1' });
const databaseUrl: string = client.secret('databaseUrl');
// @ts-expect-error a key that the schema does not have
client.flag('them');
// @ts-expect-error a secret, not a public value
client.public('databaseUrl');

export function Cart() {
  const max: number = useLimit('cartItems', 20);
  const shown: 'light' | 'dark' | undefined = useFlag('theme');
  // @ts-expect-error a key that the schema does not have
  useFlag('nothing');
  return <p data-theme={shown}>{max}</p>;
}
export { databaseUrl, theme };
`;

/** Whether the source of a module of a package begins with 'use client'. */
async function isForClients(path: string): Promise<boolean> {
  const sources = await Promise.all(
    ['.ts', '.tsx'].map((extension) => readFile(`${path}${extension}`, 'utf8').catch(() => '')),
  );
  return sources.join('').startsWith("'use client'");
}

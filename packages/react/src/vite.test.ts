// @vitest-environment node
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'vite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configSecrets } from './vite.ts';

const SCHEMA = `
import { defineConfig } from '@smooai/config';
import { z } from 'zod';
export const config = defineConfig({
  secrets: { paymentKey: z.string() },
  flags: { newCheckout: z.boolean().default(false) },
});`;
const VALUE = 'a value that is not "real"';

describe('configSecrets', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'config-secrets-'));
    await symlink(resolve(import.meta.dirname, '../node_modules'), join(root, 'node_modules'));
    await write('src/config.ts', SCHEMA);
    await write('index.html', '<script type="module" src="/src/main.ts"></script>');
    vi.stubEnv('PAYMENT_KEY', VALUE);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true, force: true });
  });

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  async function built(main: string, options = {}): Promise<unknown> {
    await write('src/main.ts', main);
    const plugins = [configSecrets({ schema: 'src/config.ts', ...options })];
    return build({ root, plugins, configFile: false, logLevel: 'silent', build: { minify: false } });
  }

  it('passes a build that imports the types alone', async () => {
    await built(`import type { config } from './config.ts';\nconsole.log({} as typeof config);`);
  });

  it('names the line that imports the schema', async () => {
    const main = `// the page\nimport { config } from './config.ts';\nconsole.log(config);`;
    await expect(built(main)).rejects.toThrow(/src\/main\.ts:2: .*schema.*"import type"/);
  });

  it('names the line of the schema among imports with similar names', async () => {
    const main = `import { createSnapshotSource } from '@smooai/config/browser';\nimport {\n  config,\n} from './config';\nconsole.log(config, createSnapshotSource);`;
    await expect(built(main)).rejects.toThrow(/src\/main\.ts:4: .*schema/);
  });

  it.each(['./config.ts?raw', './config.ts'])('finds a linked schema, imported as %s', async (path) => {
    await symlink(join(root, 'src'), join(root, 'linked'));
    const main = `import * as schema from '${path}';\nconsole.log(schema);`;
    await expect(built(main, { schema: 'linked/config.ts' })).rejects.toThrow(/src\/main\.ts:1: .*schema/);
  });

  it('names the line that loads the schema later', async () => {
    const main = `import type { config } from './config.ts';\nconsole.log({} as typeof config, await import('./config.ts'));`;
    await expect(built(main)).rejects.toThrow(/src\/main\.ts:2: .*schema/);
  });

  it.each([
    `new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });`,
    `import Work from './worker.ts?worker&inline';\nnew Work();`,
  ])('finds the schema and a name in a worker: %s', async (main) => {
    await write('src/worker.ts', `import { config } from './config.ts';\npostMessage(config.keys.size);`);
    await expect(built(main)).rejects.toThrow(/src\/worker\.ts:1: .*schema/);
    await write('src/worker.ts', `\npostMessage('paymentKey');`);
    await expect(built(main)).rejects.toThrow(/src\/worker\.ts:2: .*name of the secret "paymentKey"/);
  });

  it('passes what is allowed, and says how when it fails', async () => {
    const main = `console.log('paymentKey');`;
    const reason = 'The name of a field.';
    await expect(built(main)).rejects.toThrow('add it to "allow" of configSecrets');
    await built(main, { allow: [{ key: 'paymentKey', file: /^assets\//, reason }] });
    await expect(built(main, { allow: [{ key: 'paymentKey', file: 'other.js', reason }] })).rejects.toThrow(
      /src\/main\.ts:1: .*name of the secret/,
    );
  });

  it.each([`'paymentKey'`, '"paymentKey"', '`paymentKey`'])(
    'names the line with the name %s',
    async (name) => {
      await expect(built(`const a = 1;\n\nconsole.log(a, ${name});`)).rejects.toThrow(
        /src\/main\.ts:3: .*name of the secret "paymentKey"/,
      );
    },
  );

  it('names the line with a value, and does not show it', async () => {
    const failed = built(`console.log(${JSON.stringify(VALUE)});`);
    await expect(failed).rejects.toThrow(/src\/main\.ts:1: .*value of the secret "paymentKey"/);
    await expect(failed).rejects.not.toThrow(VALUE);
  });

  it('finds a value that the build has put in', async () => {
    await write('.env', `VITE_KEY='${VALUE}'`);
    await expect(built('console.log(import.meta.env.VITE_KEY);')).rejects.toThrow(
      /value of the secret "paymentKey"/,
    );
  });

  it.each([
    ['Base64', Buffer.from(VALUE).toString('base64')],
    ['hexadecimal', Buffer.from(VALUE).toString('hex')],
    ['URL-encoded', encodeURIComponent(VALUE)],
  ])('names the line with a value in the form %s', async (form, text) => {
    await expect(built(`// the page\nconsole.log('${text}');`)).rejects.toThrow(
      new RegExp(`src/main\\.ts:2: .*value of the secret "paymentKey" \\(${form}\\)`),
    );
  });

  it('finds a value of a .env file', async () => {
    vi.stubEnv('PAYMENT_KEY', undefined);
    await write('.env.production', `PAYMENT_KEY='${VALUE}'`);
    await expect(built(`console.log(${JSON.stringify(VALUE)});`)).rejects.toThrow(
      /src\/main\.ts:1: .*value of the secret "paymentKey"/,
    );
  });

  it('finds a value in a file that is not code', async () => {
    await write('index.html', `<script type="module" src="/src/main.ts"></script><p>${VALUE}</p>`);
    await expect(built('console.log(1);')).rejects.toThrow(
      /index\.html:\d+: .*value of the secret "paymentKey"/,
    );
  });

  it('passes the name of a secret in the code of another package', async () => {
    await write(
      'src/node_modules/other/package.json',
      '{ "name": "other", "main": "index.js", "type": "module" }',
    );
    await write('src/node_modules/other/index.js', `export const word = 'paymentKey';`);
    await built(`import { word } from 'other';\nconsole.log(word);`);
  });

  it('says that the schema was not found', async () => {
    await expect(built('', { export: 'settings' })).rejects.toThrow(
      /does not export a schema named "settings"/,
    );
  });
});

import { execFile } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';

/*
 * Moves a small program from the platform's package to this one, in the steps of docs/migration.md and with the program that
 * is printed there. The platform is a config server that has only what the platform's own tools have stored.
 */

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const cli = join(root, 'packages/cli/bin/smooai-config.js');

const group = (properties: object) => ({ type: 'object', properties });
const string = { type: 'string' };
/** As `defineConfig` of the platform's TypeScript package writes it, with the keys that it adds to every schema. */
const DOCUMENT = group({
  publicConfigSchema: group({
    ...{ ENV: string, CLOUD_PROVIDER: string, REGION: string, IS_LOCAL: { type: 'boolean' } },
    API_URL: { type: 'string', format: 'uri' },
    MAX_RETRIES: { type: 'number' },
  }),
  secretConfigSchema: group({ DATABASE_URL: { type: 'string', format: 'uri' } }),
  featureFlagSchema: group({ ENABLE_NEW_UI: { type: 'boolean' } }),
  limitsSchema: group({ MAX_CART_ITEMS: { type: 'number', default: 12, minimum: 1, maximum: 50 } }),
});
const DATABASE_URL = 'postgres://db.example/shop';

let server: ConfigServer;
let api: ConfigApi;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  server = await createConfigServer({ env: {} });
  const { credentials } = server;
  if (credentials === undefined) throw new Error('The server has no credentials.');
  // Inside this package, so that the program finds the packages that it imports.
  await mkdir(join(root, 'apps/e2e/test-results'), { recursive: true });
  folder = await mkdtemp(join(root, 'apps/e2e/test-results/migration-'));
  // Their variables, which stay as they are.
  env = {
    SMOOAI_CONFIG_API_URL: credentials.apiUrl,
    SMOOAI_CONFIG_AUTH_URL: credentials.authUrl,
    SMOOAI_CONFIG_CLIENT_ID: credentials.clientId,
    SMOOAI_CONFIG_API_KEY: credentials.clientSecret,
    SMOOAI_CONFIG_ORG_ID: credentials.organizationId,
    SMOOAI_CONFIG_ENV: 'production',
  };
  api = new ConfigApi({ ...credentials, tokenProvider: new TokenProvider(credentials) });
  await writeAsPlatform();
});

afterAll(async () => {
  await server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** What the platform's own tools have stored before the move. */
async function writeAsPlatform(): Promise<void> {
  const schema = await api.createSchema({ name: 'shop', jsonSchema: DOCUMENT as never });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'production');
  const ids = { schemaId: schema.id, environmentId: environment?.id ?? '' };
  await api.setValues([
    { ...ids, key: 'ENV', tier: 'public', value: 'production' },
    { ...ids, key: 'API_URL', tier: 'public', value: 'https://api.example' },
    { ...ids, key: 'DATABASE_URL', tier: 'secret', value: DATABASE_URL },
    { ...ids, key: 'ENABLE_NEW_UI', tier: 'feature_flag', value: true },
  ]);
}

function run(
  argv: string[],
  variables: Record<string, string> = {},
): Promise<{ code: unknown; text: string }> {
  const options = {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...env, ...variables },
    timeout: 120_000,
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, text: stdout + stderr });
    });
    child.stdin?.end();
  });
}

/** The program of the page, from its imports to the creation of the client. */
async function programOfPage(): Promise<{ schema: string; program: string }> {
  const page = await readFile(join(root, 'docs/migration.md'), 'utf8');
  const code = /```ts\n(import [\s\S]*?)```/.exec(page)?.[1] ?? '';
  const [schema = '', rest = ''] = code.split(/^(?=const client = )/m);
  return { schema, program: rest };
}

it('a small program moves in the steps of the page, and nothing changes on the platform', async () => {
  const before = { schemas: await api.listSchemas(), values: await api.listValues('production') };
  const { schema, program } = await programOfPage();
  // 1. Copy the schema.
  await writeFile(join(folder, 'config.ts'), schema.replace('const config =', 'export const config ='));
  // 2. Compare it with the platform's.
  const diff = await run([cli, 'diff', 'config.ts', '--name', 'shop']);
  expect(diff.code, diff.text).toBe(0);
  for (const key of ['public.ENV', 'public.CLOUD_PROVIDER', 'public.REGION', 'public.IS_LOCAL']) {
    expect(diff.text).toMatch(new RegExp(`^- ${key}`, 'm'));
  }
  expect(diff.text).toMatch(/^~ public\.MAX_RETRIES .*default 3/m);
  expect(diff.text).not.toMatch(/API_URL|DATABASE_URL|MAX_CART_ITEMS/);
  // 3. Replace the reads.
  const print = `console.log(JSON.stringify([
    client.public('API_URL'), client.public('MAX_RETRIES'), client.secret('DATABASE_URL'),
    client.flag('ENABLE_NEW_UI', { userId: 'u-1' }), client.limit('MAX_CART_ITEMS'),
  ]));
  await client.close();`;
  await writeFile(join(folder, 'app.mjs'), `${schema}${program}\n${print}`);
  // 4. Keep the variables, the clients and the bundles.
  const live = await run(['app.mjs']);
  expect(live).toEqual({
    code: 0,
    text: `${JSON.stringify(['https://api.example', 3, DATABASE_URL, true, 12])}\n`,
  });
  const overridden = await run(['app.mjs'], { API_URL: 'https://override.example' });
  expect(overridden.text).toContain('["https://override.example",3');
  expect({ schemas: await api.listSchemas(), values: await api.listValues('production') }).toEqual(before);
});

it('starts a container without the platform from a bundle that its tools made', async () => {
  const { schema, program } = await programOfPage();
  const key = randomBytes(32);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const values = {
    public: { API_URL: 'https://baked.example', ENV: 'production' },
    secret: { DATABASE_URL },
  };
  const sealed = [nonce, cipher.update(JSON.stringify(values)), cipher.final(), cipher.getAuthTag()];
  await writeFile(join(folder, 'config.bundle'), Buffer.concat(sealed));
  const baked = program.replace(
    '{ config }).ready()',
    "{ config, bundled: { bundle: 'config.bundle' }, fallback: 'cached' }).ready({ timeoutMs: 5_000 })",
  );
  expect(baked).not.toBe(program);
  const print = `console.log(client.public('API_URL'), client.secret('DATABASE_URL') === '${DATABASE_URL}', client.flag('ENABLE_NEW_UI'));
  await client.close();`;
  await writeFile(join(folder, 'baked.mjs'), `${schema}${baked}\n${print}`);
  const nowhere = `http://127.0.0.1:${await freePort(0)}`;
  const variables = {
    SMOO_CONFIG_KEY: key.toString('base64'),
    SMOOAI_CONFIG_API_URL: nowhere,
    SMOOAI_CONFIG_AUTH_URL: nowhere,
  };
  expect(await run(['baked.mjs'], variables)).toEqual({
    code: 0,
    text: 'https://baked.example true false\n',
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** 7 MB of it are for `/openapi.json` and metrics. A bundle of prom-client does not run: rolldown breaks a part of it. */
const MAX_INSTALLED_BYTES = 53 * 1024 * 1024;
const BLOCK_BYTES = 4096;

let folder: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smooai-config-install-'));
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  for (const name of ['core', 'server']) {
    const cwd = join(root, 'packages', name);
    await run('npx', ['-y', packageManager, 'pack', '--pack-destination', folder], { cwd });
  }
  const files = (await readdir(folder)).map((file) => `./${file}`);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...files];
  const { stdout, stderr } = await run('npm', install, { cwd: folder });
  output = stdout + stderr;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('the server installs without a warning and takes at most 53 MB on the disk', async () => {
  expect(output).not.toMatch(/warn|EBADENGINE/i);
  let bytes = 0;
  const modules = join(folder, 'node_modules');
  for (const entry of await readdir(modules, { recursive: true })) {
    bytes += Math.ceil((await stat(join(modules, entry))).size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  expect(bytes).toBeLessThanOrEqual(MAX_INSTALLED_BYTES);
  const { stdout } = await run('npm', ['ls', '--all'], { cwd: folder, maxBuffer: 1e8 });
  expect(stdout).not.toMatch(/invalid|extraneous|UNMET DEPENDENCY|missing/);
});

it('the installed server finds patterns that take exponential time', async () => {
  await writeFile(join(folder, 'check.mjs'), CHECK);
  const { stdout } = await run(process.execPath, ['check.mjs'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual({
    safe: [200],
    vulnerable: [400, expect.stringContaining('exponential time')],
  });
});

/** Stores a flag with a harmless and with a dangerous pattern, and prints the responses. */
const CHECK = `
import { createConfigServer } from '@smooai/config-server';
const server = await createConfigServer({ db: ':memory:' });
const { clientId: client_id, clientSecret: client_secret } = server.credentials;
const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
const { access_token } = await (await fetch(server.url + '/token', { method: 'POST', body: form })).json();
const call = async (method, path, body) => {
  const response = await fetch(server.url + '/organizations/' + server.organizationId + '/config' + path, {
    method,
    headers: { authorization: 'Bearer ' + access_token, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
};
const properties = { featureFlagSchema: { type: 'object', properties: { beta: { type: 'boolean' } } } };
const schema = await call('POST', '/schemas', { name: 'shop', jsonSchema: { type: 'object', properties } });
const [environment] = (await call('GET', '/environments')).body;
const put = async (pattern) => {
  const when = { attribute: 'email', op: 'matches', values: [pattern] };
  const value = { $cohort: { rules: [{ id: 'a', when, value: true }], defaultValue: false } };
  const write = { schemaId: schema.body.id, environmentId: environment.id, key: 'beta', value, tier: 'feature_flag' };
  const { status, body } = await call('PUT', '/values', write);
  return status === 200 ? [status] : [status, body.message];
};
const result = { safe: await put('^[a-z]+@shop\\\\.example$'), vulnerable: await put('^(a+)+$') };
await server.close();
process.stdout.write(JSON.stringify(result));
`;

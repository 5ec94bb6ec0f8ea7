import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../index.ts';
import {
  type ConfigLayersOptions,
  createConfigClient,
  detectCloud,
  mergeValues,
  readConfigLayers,
} from '../server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';

const config = defineConfig({
  public: { API_URL: z.string(), links: z.object({ help: z.string(), tags: z.array(z.string()) }) },
  secrets: { databaseUrl: z.string() },
  flags: { newCheckout: z.boolean().default(false) },
});

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'smooai-layers-')));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Record<string, unknown>, directory = folder): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

type Options = Partial<ConfigLayersOptions<typeof config>>;
const read = async (options: Options = {}) =>
  (await readConfigLayers({ config, directory: folder, variables: {}, ...options })).defaults;

const DEFAULTS = {
  public: { API_URL: 'default', links: { help: 'default', tags: ['a', 'b'] } },
  secrets: { databaseUrl: 'default' },
};

describe('readConfigLayers', () => {
  it('merges default, local, environment, provider and region, in this order', async () => {
    const set = (name: string): unknown => ({ public: { API_URL: name } });
    const variables = { SMOOAI_CONFIG_ENV: 'production', AWS_REGION: 'eu-west-1' };
    const names = ['local', 'production', 'production.aws', 'production.aws.eu-west-1'];
    await write({
      'default.json': DEFAULTS,
      'staging.json': set('staging'),
      'production.gcp.json': set('gcp'),
    });
    expect((await read({ variables })).public).toMatchObject({ API_URL: 'default' });
    for (const name of names) {
      await write({ [`${name}.json`]: set(name) });
      expect((await read({ variables })).public, name).toMatchObject({ API_URL: name });
    }
    expect((await read({ environment: 'staging' })).public).toMatchObject({ API_URL: 'staging' });
    const options = { environment: 'production', provider: 'gcp', region: 'x' };
    expect((await read(options)).public).toMatchObject({ API_URL: 'gcp' });
  });

  it('merges objects deeply and replaces arrays', async () => {
    await write({ 'default.json': DEFAULTS, 'development.json': { public: { links: { tags: ['c'] } } } });
    expect(await read()).toMatchObject({
      public: { links: { help: 'default', tags: ['c'] } },
      secrets: { databaseUrl: 'default' },
    });
  });

  it('takes values by key, as the files of the platform have them', async () => {
    await write({
      'default.json': { API_URL: 'flat', databaseUrl: 'flat', newCheckout: true, ENV: 'x', IS_LOCAL: true },
    });
    expect(await read()).toEqual({
      public: { API_URL: 'flat' },
      secrets: { databaseUrl: 'flat' },
      flags: { newCheckout: true },
      limits: {},
    });
  });

  it('gives the merge of the earlier files to a function', async () => {
    await write({
      'default.json': DEFAULTS,
      'development.mjs':
        'export default { databaseUrl: ({ public: p }) => p.API_URL + "/db", API_URL: "mine" };',
    });
    const load = (url: string): Promise<unknown> => import(/* @vite-ignore */ url);
    expect(await read({ load })).toMatchObject({
      public: { API_URL: 'mine' },
      secrets: { databaseUrl: 'default/db' },
    });
    expect(await read()).toMatchObject({ secrets: { databaseUrl: 'default' } });
  });

  it('finds .smooai-config in the working directory, and at most five folders above it', async () => {
    await write({ 'default.json': DEFAULTS }, join(folder, '.smooai-config'));
    const cwd = vi.spyOn(process, 'cwd');
    const find = async (path: string) => {
      cwd.mockReturnValue(join(folder, path));
      return (await readConfigLayers({ config, variables: {} })).defaults;
    };
    expect(await find('.')).toMatchObject({ public: { API_URL: 'default' } });
    expect(await find('1/2/3/4/5')).toMatchObject({ public: { API_URL: 'default' } });
    await expect(find('1/2/3/4/5/6')).rejects.toThrow(
      /The file "default" was not found in .*SMOOAI_CONFIG_FILE_DIR/,
    );
    const other = join(folder, 'other');
    await write({ 'default.json': { API_URL: 'other' } }, other);
    const variables = { SMOOAI_CONFIG_FILE_DIR: other };
    expect((await readConfigLayers({ config, variables })).defaults).toMatchObject({
      public: { API_URL: 'other' },
    });
  });

  it('is what a client starts from', async () => {
    await write({ 'default.json': DEFAULTS });
    const bundled = await readConfigLayers({ config, directory: folder, variables: {} });
    const source = new ManualSource(rulesetOf({ secret: { databaseUrl: 'live' } }));
    const client = await createConfigClient({ config, bundled, source, overrides: false }).ready();
    expect([client.public('API_URL'), client.secret('databaseUrl')]).toEqual(['default', 'live']);
    await client.close();
  });

  it.each<[string, Record<string, unknown>, Options, RegExp]>([
    ['a missing default', {}, {}, /The file "default" was not found in/],
    ['text', { 'default.json': '{"databaseUrl": "hunter2' }, {}, /default\.json is not valid JSON/],
    ['a list', { 'default.json': [] }, {}, /must be an object/],
    [
      'an unknown key',
      { 'default.json': { databaseURL: 'hunter2' } },
      {},
      /"databaseURL" in .*is neither a key/,
    ],
    ['a path', { 'default.json': {} }, { environment: '../secrets' }, /cannot be the name of a file/],
    [
      'a module that throws',
      { 'default.mjs': 'throw new Error("hunter2");' },
      { load: (url) => import(/* @vite-ignore */ url) },
      /default\.mjs could not be loaded/,
    ],
    [
      'a function that throws',
      { 'default.mjs': 'export default { API_URL: () => { throw new Error("hunter2"); } };' },
      { load: (url) => import(/* @vite-ignore */ url) },
      /The function that computes .*API_URL in .*threw an error/,
    ],
  ])('refuses %s', async (_, files, options, message) => {
    await write(files);
    const failure = await read(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_OPTIONS_INVALID', message: expect.stringMatching(message) });
    expect(String(failure)).not.toContain('hunter2');
  });
});

describe('detectCloud', () => {
  it.each([
    [{}, 'unknown', 'unknown'],
    [{ AWS_REGION: 'eu-west-1', AZURE_REGION: 'westeurope' }, 'aws', 'eu-west-1'],
    [{ AWS_DEFAULT_REGION: 'us-east-1' }, 'aws', 'us-east-1'],
    [{ AZURE_LOCATION: 'westeurope', GOOGLE_CLOUD_REGION: 'x' }, 'azure', 'westeurope'],
    [{ CLOUDSDK_COMPUTE_REGION: 'europe-west4' }, 'gcp', 'europe-west4'],
    [{ SMOOAI_CONFIG_CLOUD_PROVIDER: 'fly', AWS_REGION: 'eu-west-1' }, 'fly', 'unknown'],
    [{ SMOOAI_CONFIG_CLOUD_REGION: 'ams', AWS_REGION: ' ' }, 'unknown', 'ams'],
  ])('reads %j', (variables, provider, region) => {
    expect(detectCloud(variables)).toEqual({ provider, region });
  });
});

it('mergeValues merges objects deeply, and replaces arrays and targeted values', () => {
  const before = { a: { b: 1, c: [1, 2] }, flag: { $cohort: { defaultValue: 1 } } };
  const after = { a: { c: [3] }, flag: { $cohort: { defaultValue: 2, rules: [] } }, d: undefined };
  expect(mergeValues(before, after)).toEqual({
    a: { b: 1, c: [3] },
    flag: { $cohort: { defaultValue: 2, rules: [] } },
  });
  expect(before.a.c).toEqual([1, 2]);
});

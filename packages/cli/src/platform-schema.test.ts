import { join } from 'node:path';
import { defineConfig, defineLimit } from '@smooai/config';
import { createConfigClient, fetchConfigValue } from '@smooai/config/server';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { startBench } from './test-support/cli-bench.ts';

const string = { type: 'string' };
const group = (properties: object) => ({ type: 'object', properties });

/** As the platform's TypeScript package sends it, with the keys that it adds to every schema. */
const TYPESCRIPT = {
  type: 'object',
  properties: {
    publicConfigSchema: group({
      ENV: string,
      CLOUD_PROVIDER: string,
      REGION: string,
      IS_LOCAL: { type: 'boolean' },
      API_URL: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string', format: 'uri' },
    }),
    secretConfigSchema: group({ DATABASE_URL: { type: 'string', format: 'uri' } }),
    featureFlagSchema: group({ ENABLE_NEW_UI: { type: 'boolean' } }),
    limitsSchema: group({ MAX_CART_ITEMS: { type: 'number', default: 12, minimum: 1, maximum: 50 } }),
  },
};
/** As the platform's Python package sends it. */
const PYTHON = {
  type: 'object',
  properties: { public: group({ apiBaseUrl: string }), secret: group({}), feature_flags: group({}) },
};

/** The schema of that program after the move: the same keys, in our groups. */
const config = defineConfig({
  public: { API_URL: z.url() },
  secrets: { DATABASE_URL: z.url() },
  flags: { ENABLE_NEW_UI: z.boolean().default(false) },
  limits: { MAX_CART_ITEMS: defineLimit({ default: 12, min: 1, max: 50 }) },
});

it('a program moves from the platform with its schema, values and bundle', async () => {
  const { cli, file, folder, server } = await startBench();
  await file('typescript.json', JSON.stringify(TYPESCRIPT));
  await file('python.json', JSON.stringify(PYTHON));
  const done = async (argv: string[], stdin?: string) => {
    const result = await cli(argv, stdin === undefined ? {} : { stdin });
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  expect(await done(['schema', 'add', 'shop', '--file', 'typescript.json'])).toContain('with 8 keys');
  expect(await done(['schema', 'add', 'worker', '--file', 'python.json'])).toContain('with 1 key.');
  await done(['set', 'API_URL', 'https://api.example']);
  await done(['set', 'secrets.DATABASE_URL', '--stdin'], 'postgres://db.example/shop');
  await done(['set', 'flags.ENABLE_NEW_UI', 'true']);
  await done(['set', 'public.apiBaseUrl', 'https://worker.example']);
  const key = /SMOO_CONFIG_KEY=(\S+)/.exec(await done(['build', '--out', 'config.bundle']))?.[1];

  const settings = { ...server.credentials, environment: 'development' };
  const options = { config, overrides: false as const, ...settings };
  const live = await createConfigClient(options).ready();
  expect(live.public('API_URL')).toBe('https://api.example');
  expect(live.secret('DATABASE_URL')).toBe('postgres://db.example/shop');
  expect([live.flag('ENABLE_NEW_UI'), live.limit('MAX_CART_ITEMS')]).toEqual([true, 12]);
  await live.close();
  expect(await fetchConfigValue('API_URL', { config, ...settings })).toBe('https://api.example');

  await server.close();
  const bundled = { bundle: join(folder, 'config.bundle'), key };
  const baked = createConfigClient({ ...options, bundled, fallback: 'cached' });
  // Long enough to read the file on a busy machine.
  await baked.ready({ timeoutMs: 5_000 });
  expect(baked.secret('DATABASE_URL')).toBe('postgres://db.example/shop');
  expect(baked.flag('ENABLE_NEW_UI')).toBe(false);
  await baked.close();
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createConfigServer } from '@smooai/config-server';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

it('a process that starts while the config server is down has the values of the disk copy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'next-disk-copy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const server = await createConfigServer({ timeouts: { closeMs: 500 } });
  onTestFinished(() => server.close());
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  const { apiUrl, organizationId, ...issuer } = server.credentials;
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider: new TokenProvider(issuer) });
  const { id: schemaId } = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(shopConfig()) });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const theme = { key: 'theme', value: 'dark', tier: 'feature_flag' } as const;
  await api.setValue({ schemaId, environmentId: environment?.id ?? '', ...theme });
  const cache = { file: join(folder, 'copy.json') };
  const clientOptions = { apiUrl, organizationId, ...issuer, environment: 'development', cache };
  const start = (readyTimeoutMs: number) =>
    createNextConfig({ config: shopConfig(), clientOptions, readyTimeoutMs });

  const before = start(60_000);
  expect(await before.flag('theme')).toBe('dark');
  // The copy is written by then.
  await (await before.client()).close();
  await server.close();

  const after = start(500);
  // A machine that stops for a while may need a second wait.
  expect(await vi.waitFor(() => after.flag('theme'), { timeout: 60_000 })).toBe('dark');
  const client = await after.client();
  expect(client.health()).toMatchObject({ status: 'stale', transport: 'cache' });
  await client.close();
}, 180_000);

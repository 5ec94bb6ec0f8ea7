import { toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { createConfigServer } from '@smooai/config-server';
import { expect, it, onTestFinished } from 'vitest';
import { configTag, createNextConfig } from './server.ts';
import { serveRoute } from './test-support/route-server.ts';
import { shopConfig } from './test-support/shop-config.ts';

it.each([
  ['a text', 'a-secret-of-the-tests'],
  ['a key of Standard Webhooks', `whsec_${Buffer.from('24 bytes of random data.').toString('base64')}`],
])("accepts the config server's own webhooks, signed with %s", async (_, secret) => {
  const client = createTestClient({ config: shopConfig() });
  const { handlers } = createNextConfig({ client, revalidate: { secret } });
  const route = await serveRoute((request) => handlers.POST(request));
  const webhooks = [{ url: route.url, secret, environments: ['development'] }];
  const server = await createConfigServer({ webhooks, timeouts: { closeMs: 500 } });
  onTestFinished(async () => {
    await server.close();
    route.close();
    await client.close();
  });
  if (server.credentials === undefined) throw new Error('The server has no credentials.');
  const { apiUrl, organizationId, ...issuer } = server.credentials;
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider: new TokenProvider(issuer) });
  await expect.poll(() => route.revalidated).toEqual([['smooai-config']]);
  const { id: schemaId } = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(shopConfig()) });
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  await expect.poll(() => route.revalidated.length).toBe(2);
  const flag = { key: 'newCheckout', value: true, tier: 'feature_flag' } as const;
  await api.setValue({ schemaId, environmentId: environment?.id ?? '', ...flag });
  await expect.poll(() => route.revalidated.slice(2)).toEqual([[configTag('newCheckout')]]);
  expect(new Set(route.statuses)).toEqual(new Set([204]));
});

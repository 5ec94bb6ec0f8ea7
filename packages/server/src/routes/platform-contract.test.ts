import { readFileSync } from 'node:fs';
import type { JsonValue, SchemaDocument } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { callApi, jsonOf, startServer, tokenOf } from '../test-support/running-server.ts';
import { type Shop, startShop } from '../test-support/shop-server.ts';

/** What the platform's own tools send and read, beyond what this project's client does. */
const testdata = (name: string): SchemaDocument =>
  JSON.parse(readFileSync(new URL(`./testdata/${name}.json`, import.meta.url), 'utf8'));

const typescript = testdata('platform-typescript-schema');
const python = testdata('platform-python-schema');

async function create(shop: Shop, name: string, jsonSchema: unknown) {
  return shop.call('POST', '/schemas', { name, jsonSchema });
}

/** An organization without a schema. */
async function emptyShop(): Promise<Shop> {
  const shop = await startShop();
  await shop.call('DELETE', `/schemas/${shop.schema.id}?force=true`);
  return shop;
}

function publicSchema(properties: Record<string, JsonValue>): unknown {
  return { type: 'object', properties: { publicConfigSchema: { type: 'object', properties } } };
}

describe('schema documents of the platform’s tools', () => {
  it.each([
    ['TypeScript', typescript],
    ['Python', python],
  ])('are accepted and served as they are: %s', async (name, document) => {
    const shop = await emptyShop();
    const created = await create(shop, name, document);
    expect([created.status, created.body.message]).toEqual([201, undefined]);
    expect(created.body.jsonSchema).toEqual(document);
    const pushed = await shop.call('POST', `/schemas/${created.id}/push`, { jsonSchema: document });
    expect(pushed.body.version).toBeDefined();
    expect((await shop.call('GET', `/schemas/${created.id}`)).body.jsonSchema).toEqual(document);
  });

  it('give their keys the same tiers', async () => {
    const shop = await emptyShop();
    const { id: schemaId } = await create(shop, 'python', python);
    const environmentId = shop.environments.development ?? '';
    const put = (key: string, tier: string, value: JsonValue) =>
      shop.call('PUT', '/values', { schemaId, environmentId, key, tier, value });
    expect((await put('max_retries', 'public', 3)).status).toBe(200);
    expect((await put('enableNewUi', 'featureFlag', true)).status).toBe(200);
    expect((await put('stripeApiKey', 'secret', 'sk-made-up')).status).toBe(200);
    expect((await put('stripeApiKey', 'public', 'x')).body.message).toContain('belongs to the tier secret');
    expect((await put('max_retries', 'public', 'three')).status).toBe(400);
    const { body } = await shop.call('GET', '/ruleset?environment=development');
    expect([body.public, body.flags, body.secret]).toEqual([
      { max_retries: 3 },
      { enableNewUi: true },
      { stripeApiKey: 'sk-made-up' },
    ]);
  });

  it('may declare the built-in keys in several schemas, if they agree', async () => {
    const shop = await emptyShop();
    const first = await create(shop, 'first', typescript);
    const builtIn = { ENV: { type: 'string' }, IS_LOCAL: { type: 'boolean' } };
    const second = await create(shop, 'second', publicSchema({ ...builtIn, other: { type: 'string' } }));
    expect([second.status, second.body.message]).toEqual([201, undefined]);
    expect((await shop.call('POST', `/schemas/${first.id}/push`, { jsonSchema: typescript })).status).toBe(
      200,
    );
    const differs = await create(shop, 'third', publicSchema({ ENV: { type: 'number' } }));
    expect(differs.status).toBe(409);
    expect(differs.body).toMatchObject({ keys: ['ENV'], message: expect.stringContaining('differently') });
    const flag = { type: 'object', properties: { feature_flags: { type: 'object', properties: builtIn } } };
    expect((await create(shop, 'fourth', flag)).status).toBe(409);
    const taken = await create(
      shop,
      'fifth',
      publicSchema({ ENV: { type: 'string' }, API_URL: { type: 'string' } }),
    );
    expect(taken.body).toMatchObject({ keys: ['API_URL'], schemaId: first.id });
  });

  it.each(['push', 'delete'])(
    'keep the value of a built-in key that another schema declares: %s',
    async (action) => {
      const shop = await emptyShop();
      const builtIn = { ENV: { type: 'string' } };
      const first = await create(shop, 'first', publicSchema({ ...builtIn, own: { type: 'string' } }));
      const second = await create(shop, 'second', publicSchema(builtIn));
      const environmentId = shop.environments.development ?? '';
      for (const key of ['ENV', 'own']) {
        const write = { schemaId: first.id, environmentId, key, tier: 'public', value: key };
        expect((await shop.call('PUT', '/values', write)).status).toBe(200);
      }
      const jsonSchema = publicSchema({ other: { type: 'string' } });
      const lost =
        action === 'push'
          ? await shop.call('POST', `/schemas/${first.id}/push`, { jsonSchema, force: true })
          : await shop.call('DELETE', `/schemas/${first.id}?force=true`);
      expect(lost.status).toBeLessThan(300);
      const { body } = await shop.call('GET', '/values?environment=development');
      expect(body.values).toEqual({ ENV: 'ENV' });
      const rows = await shop.call('GET', `/schemas/${second.id}/environments/${environmentId}/values`);
      expect(rows.body).toEqual([expect.objectContaining({ key: 'ENV', schemaId: second.id })]);
    },
  );

  it.each(['API_URL', 'foo_bar', 'weird/key with spaces', 'a.b', '..', '100 %', 'über ✓', 'x'.repeat(255)])(
    'may have the key %s',
    async (key) => {
      const shop = await emptyShop();
      const schema = await create(shop, 'keys', publicSchema({ [key]: { type: 'string' } }));
      const environmentId = shop.environments.development ?? '';
      const body = { schemaId: schema.id, environmentId, key, tier: 'public', value: 'here' };
      const stored = await shop.call('PUT', '/values', body);
      expect([stored.status, stored.body.message]).toEqual([200, undefined]);
      const { body: list } = await shop.call('GET', '/values?environment=development');
      expect(list.values).toEqual({ [key]: 'here' });
      // A URL parser would take ".." as a step, also if it is encoded: such a key is reached by the id of its value.
      const path =
        key === '..'
          ? `/values/${stored.id}?`
          : `/values/${encodeURIComponent(key)}?environment=development&`;
      expect((await shop.call('GET', path)).body.value).toBe('here');
      expect((await shop.call('DELETE', path)).status).toBe(204);
      expect((await shop.call('GET', path)).status).toBe(404);
    },
  );
});

describe('rows of values', () => {
  it('are listed by environment, and by schema and environment', async () => {
    const shop = await startShop();
    const other = await create(shop, 'other', publicSchema({ API_URL: { type: 'string' } }));
    const environmentId = shop.environments.development ?? '';
    await shop.set('theme', 'dark');
    await shop.set('paymentKey', 'made-up-key');
    const write = { schemaId: other.id, environmentId, key: 'API_URL', tier: 'public', value: 'u' };
    await shop.call('PUT', '/values', write);
    const rows = async (path: string): Promise<unknown> => (await shop.call('GET', path)).body;
    expect(await rows(`/environments/${environmentId}/values`)).toEqual([
      expect.objectContaining({
        key: 'API_URL',
        value: 'u',
        tier: 'public',
        schemaId: other.id,
        environmentId,
      }),
      expect.objectContaining({ key: 'paymentKey', value: 'made-up-key', tier: 'secret' }),
      expect.objectContaining({ key: 'theme', value: 'dark', tier: 'feature_flag', id: expect.any(String) }),
    ]);
    expect(await rows(`/schemas/${other.id}/environments/${environmentId}/values`)).toEqual([
      expect.objectContaining({ key: 'API_URL' }),
    ]);
    expect(await rows(`/environments/${shop.environments.production}/values`)).toEqual([]);
    expect(await rows('/environments/nothing/values')).toMatchObject({ message: expect.any(String) });
    expect((await shop.call('GET', `/schemas/nothing/environments/${environmentId}/values`)).status).toBe(
      404,
    );
  });

  it('are read and deleted by id, and an id hides no key', async () => {
    const shop = await startShop();
    const theme = await shop.set('theme', 'dark');
    const secret = await shop.set('paymentKey', 'made-up-key');
    expect((await shop.call('GET', `/values/${theme.id}`)).body).toMatchObject({
      key: 'theme',
      value: 'dark',
    });
    expect((await shop.call('GET', '/values/theme')).status).toBe(404);
    // A key that looks like the id of another value.
    const named = await create(shop, 'named', publicSchema({ [theme.id]: { type: 'string' } }));
    const environmentId = shop.environments.development ?? '';
    const write = { schemaId: named.id, environmentId, key: theme.id, tier: 'public', value: 'by key' };
    expect((await shop.call('PUT', '/values', write)).status).toBe(200);
    const byKey = await shop.call('GET', `/values/${theme.id}?environment=development`);
    expect(byKey.body).toEqual({ value: 'by key' });
    expect((await shop.call('DELETE', `/values/${secret.id}`)).status).toBe(409);
    expect((await shop.call('DELETE', `/values/${secret.id}?force=true`)).status).toBe(204);
    expect((await shop.call('DELETE', `/values/${theme.id}`)).status).toBe(204);
    expect((await shop.call('GET', `/values/${theme.id}`)).status).toBe(404);
    const { body } = await shop.call('GET', '/values?environment=development');
    expect(body.values).toEqual({ [theme.id]: 'by key' });
  });

  it('are not for publishable keys, nor for clients of other environments', async () => {
    const shop = await startShop();
    const theme = await shop.set('theme', 'dark');
    const environmentId = shop.environments.development ?? '';
    const origin = 'https://shop.example';
    const { publishableKey } = await shop.makeClient({ type: 'b2m', name: 'web', allowedOrigins: [origin] });
    const browser = { token: String(publishableKey), headers: { origin } };
    const scopes = ['config:read', 'config:write'];
    const staging = { token: await shop.tokenFor({ name: 'staging', environments: ['staging'], scopes }) };
    for (const path of [
      `/environments/${environmentId}/values`,
      `/schemas/${shop.schema.id}/environments/${environmentId}/values`,
      `/values/${theme.id}`,
    ]) {
      const refused = await shop.call('GET', path, undefined, browser);
      expect([400, 403]).toContain(refused.status);
      expect(refused.text).not.toContain('dark');
      expect((await shop.call('GET', path, undefined, staging)).status).toBe(403);
    }
    expect((await shop.call('DELETE', `/values/${theme.id}`, undefined, staging)).status).toBe(403);
  });
});

it('a write belongs to the schema that has the key, whatever schema it names', async () => {
  const shop = await startShop();
  const first = await create(shop, 'a first schema', publicSchema({ API_URL: { type: 'string' } }));
  const write = { ...shop.write({ key: 'theme', value: 'dark' }), schemaId: first.id };
  const stored = await shop.call('PUT', '/values', write);
  expect(stored.body).toMatchObject({ key: 'theme', schemaId: shop.schema.id });
  expect((await shop.call('PUT', '/values', { ...write, value: 'blue' })).status).toBe(400);
});

it.each([
  [{ type: 'machine-to-machine' }, 'secretKey'],
  [{ type: 'browser-to-machine', allowedOrigins: ['https://shop.example'] }, 'publicKey'],
  [{ type: 'machine-to-machine', name: 'n'.repeat(255) }, 'secretKey'],
])('an auth client is created by %j', async (body, credential) => {
  const server = await startServer();
  const token = await tokenOf(server);
  const response = await callApi(server, '/auth-clients', { token, method: 'POST', body });
  expect(response.status).toBe(201);
  const created = await jsonOf(response);
  expect(created).toMatchObject({ clientId: created.id, type: body.type, expiresAt: null });
  expect(created[credential]).toEqual(expect.stringMatching(/^(sk|pk)_/));
  const name = 'name' in body ? body.name : `Unnamed ${body.type} client`;
  const list: unknown = await (await callApi(server, '/auth-clients', { token })).json();
  expect(list).toContainEqual(expect.objectContaining({ id: created.id, name }));
});

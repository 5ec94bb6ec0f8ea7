import { expect, it } from 'vitest';
import { callApi } from '../test-support/running-server.ts';
import { shopDocument, startShop } from '../test-support/shop-server.ts';

it('a client can only do what its scopes say', async () => {
  const shop = await startShop();
  const tokenFor = (scopes: string[]) => shop.tokenFor({ scopes });
  const [reader, writer] = [await tokenFor(['config:read']), await tokenFor(['config:read', 'config:write'])];
  const onlyWriter = await tokenFor(['config:write']);
  const environment = `/config/environments/${shop.environments.staging}`;
  const schema = `/config/schemas/${shop.schema.id}`;
  const segment = '/config/segments/vips?environment=development';
  const writes: [method: string, path: string, body?: unknown][] = [
    ['PUT', '/config/values', shop.write({ key: 'theme', value: 'dark' })],
    ['PUT', '/config/values/bulk', { values: [] }],
    ['DELETE', '/config/values/theme?environment=development'],
    ['PUT', segment, { condition: { all: [] } }],
    ['DELETE', segment],
    ['POST', '/config/environments', { name: 'preview' }],
    ['PATCH', environment, { description: 'x' }],
    ['DELETE', environment],
    ['POST', '/config/schemas', { name: 'other' }],
    ['PATCH', schema, { description: 'x' }],
    ['POST', `${schema}/push`, { jsonSchema: shopDocument() }],
    ['DELETE', `${schema}?force=true`],
  ];
  const reads = ['values', 'segments', 'segments/vips', 'ruleset', 'stream', 'snapshot/stream'];
  const readPaths = [
    '/config/environments',
    '/config/schemas',
    `${environment}/values`,
    ...reads.map((name) => `/config/${name}?environment=development`),
  ];
  const administration = ['GET', 'POST'].map((method) => [method, '/auth-clients', undefined] as const);
  const statusOf = async (token: string, [method, path, body]: readonly [string, string, unknown?]) => {
    const response = await callApi(shop.server, path, { token, method, body });
    await response.body?.cancel();
    return response.status;
  };
  for (const call of writes) expect(await statusOf(reader, call), call.slice(0, 2).join(' ')).toBe(403);
  for (const path of readPaths) expect(await statusOf(onlyWriter, ['GET', path]), path).toBe(403);
  for (const call of administration) expect(await statusOf(writer, call)).toBe(403);
  for (const call of writes)
    expect(await statusOf(writer, call), call.slice(0, 2).join(' ')).toBeLessThan(300);
});

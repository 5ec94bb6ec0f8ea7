import type { JsonSchema, JsonValue } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { references } from '../test-support/hostile-schemas.ts';
import { type ApiResponse, type Shop, startShop } from '../test-support/shop-server.ts';

/** The machine may be busy; nothing waits for this to pass. */
const PATIENCE_MS = 180_000;
const SLOW_TEXT = `${'a'.repeat(40)}!`;
const SLOW = { type: 'string', pattern: '^(a+)+$' };
/** Its check takes some 100 ms, and passes: one value alone is not too slow. */
const TENACIOUS = { type: 'string', pattern: '^(a+)+$|!$' };
const TENACIOUS_TEXT = `${'a'.repeat(25)}!`;

function documentOf(keys: Record<string, JsonSchema>): JsonValue {
  return {
    type: 'object',
    properties: { publicConfigSchema: { type: 'object', properties: keys as Record<string, JsonValue> } },
  };
}

function create(shop: Shop, keys: Record<string, JsonSchema>): Promise<ApiResponse> {
  return shop.call('POST', '/schemas', { name: 'trap', jsonSchema: documentOf(keys) });
}

function write(shop: Shop, schema: ApiResponse, { key, value }: { key: string; value: JsonValue }) {
  return {
    schemaId: schema.id,
    environmentId: shop.environments.development ?? '',
    key,
    value,
    tier: 'public',
  };
}

/**
 * Calls other endpoints, and writes as another client, while a request runs. Returns how often all of them responded
 * before the request did.
 */
async function roundsDuring(shop: Shop, request: Promise<ApiResponse>): Promise<number> {
  const token = await shop.tokenFor({ scopes: ['config:read', 'config:write'] });
  let isRunning = true;
  const ended = request.then(() => {
    isRunning = false;
  });
  let rounds = 0;
  for (;;) {
    const health = await fetch(`${shop.server.url}/healthz`);
    const read = await shop.call('GET', '/ruleset?environment=development', undefined, { token });
    const written = await shop.call(
      'PUT',
      '/values',
      shop.write({ key: 'newCheckout', value: rounds % 2 === 0 }),
      {
        token,
      },
    );
    expect([health.status, read.status, written.status]).toEqual([200, 200, 200]);
    if (!isRunning) break;
    rounds += 1;
  }
  await ended;
  return rounds;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `trap${index}`);
const all = (count: number, schema: JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(names(count).map((name) => [name, schema]));

describe('while a request uses its budget, others get their responses', () => {
  it(
    'a push of a schema that is too large to compile',
    async () => {
      const shop = await startShop();
      const request = create(shop, { fine: { type: 'string' }, trap: references(12_000) });
      expect(await roundsDuring(shop, request)).toBeGreaterThan(1);
      const refused = await request;
      expect(refused.status).toBe(400);
      expect(refused.body.message).toMatch(
        /^Field "jsonSchema\.properties\.publicConfigSchema\.properties\.trap" (cannot be checked within|is not a valid JSON Schema: it is too large)/,
      );
    },
    PATIENCE_MS,
  );

  it(
    'a bulk of 300 slow values',
    async () => {
      const shop = await startShop();
      const schema = await create(shop, all(300, TENACIOUS));
      const values = names(300).map((key) => write(shop, schema, { key, value: TENACIOUS_TEXT }));
      const request = shop.call('PUT', '/values/bulk', { values });
      expect(await roundsDuring(shop, request)).toBeGreaterThan(1);
      const refused = await request;
      expect(refused.status).toBe(400);
      expect(refused.body.message).toMatch(
        /^Field "values\[\d+\]\.value" of "trap\d+" cannot be checked within the \d+ ms of computing time of a request\. Simplify the patterns/,
      );
      expect((await shop.ruleset()).public).toEqual({});
    },
    PATIENCE_MS,
  );

  it(
    'a push of a pattern over 100 stored values',
    async () => {
      const shop = await startShop();
      const schema = await create(shop, all(100, { type: 'string' }));
      const values = names(100).map((key, index) =>
        write(shop, schema, { key, value: `${SLOW_TEXT}${index}` }),
      );
      expect((await shop.call('PUT', '/values/bulk', { values })).status).toBe(200);
      const push = (force: boolean) =>
        shop.call('POST', `/schemas/${schema.id}/push`, { jsonSchema: documentOf(all(100, SLOW)), force });
      const request = push(false);
      expect(await roundsDuring(shop, request)).toBeGreaterThan(1);
      const refused = await request;
      expect(refused.status).toBe(400);
      expect(refused.body.message).toMatch(
        /^Field "jsonSchema\.properties\.publicConfigSchema\.properties\.trap\d+": the stored values of this key cannot be checked within/,
      );
      expect((await shop.call('GET', `/schemas/${schema.id}`)).body.currentVersion).toBe(1);
      // The values are kept, so the check is not needed.
      expect((await push(true)).status).toBe(200);
    },
    PATIENCE_MS,
  );
});

it('a schema of 300 references to a schema of 300 properties is accepted, and checks values', async () => {
  const shop = await startShop();
  const schema = await create(shop, { trap: references(300) });
  expect(schema.status, schema.text).toBe(201);
  const put = (value: JsonValue) => shop.call('PUT', '/values', write(shop, schema, { key: 'trap', value }));
  expect((await put({ p7: { p8: 'text' } })).status).toBe(200);
  const refused = await put({ p7: { p8: 1 } });
  expect(refused.body.message).toBe('Field "value.p7.p8" of "trap" must be a string.');
});

it(
  'a client with many slow writes delays another client by a few of them only, and is refused beyond a number',
  async () => {
    const shop = await startShop();
    const schema = await create(shop, { trap: SLOW });
    const token = await shop.tokenFor({ scopes: ['config:read', 'config:write'] });
    let slow = 0;
    const attack = Array.from({ length: 210 }, async (_, index) => {
      const value = `${SLOW_TEXT}${index}`;
      const response = await shop.call('PUT', '/values', write(shop, schema, { key: 'trap', value }));
      if (response.status === 400) slow += 1;
      return response;
    });
    const refused = await Promise.race(
      attack.map(async (response) => {
        const settled = await response;
        return settled.status === 429 ? settled : new Promise<never>(() => undefined);
      }),
    );
    expect(refused.body.message).toMatch(/^This client has too many writes/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const body = shop.write({ key: 'supportEmail', value: 'other@shop.test' });
    const before = slow;
    expect((await shop.call('PUT', '/values', body, { token })).status).toBe(200);
    expect(slow - before).toBeLessThan(4);
    await shop.server.close();
    const statuses = (await Promise.allSettled(attack)).map((end) =>
      end.status === 'fulfilled' ? end.value.status : 'cut off',
    );
    expect(statuses.filter((status) => status === 503 || status === 'cut off').length).toBeGreaterThan(100);
  },
  PATIENCE_MS,
);

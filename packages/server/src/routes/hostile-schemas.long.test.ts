import type { JsonSchema, JsonValue } from '@smooai/config';
import { expect, it } from 'vitest';
import { hostileSchemas, hostileValues } from '../test-support/hostile-schemas.ts';
import { startShop } from '../test-support/shop-server.ts';

function documentOf(schema: JsonSchema): JsonValue {
  const tier = { type: 'object', properties: { trap: schema as JsonValue } };
  return { type: 'object', properties: { secretConfigSchema: tier } };
}

it.each(hostileSchemas)(
  'a schema is refused with words or checks values: $name',
  async ({ schema, value }) => {
    const shop = await startShop();
    const created = await shop.call('POST', '/schemas', { name: 'trap', jsonSchema: documentOf(schema) });
    expect([201, 400, 413], created.text).toContain(created.status);
    if (created.status !== 201) {
      expect(created.body.message).toMatch(/^Field "jsonSchema/);
    } else {
      const environmentId = shop.environments.development ?? '';
      const body = { schemaId: created.id, environmentId, key: 'trap', value, tier: 'secret' };
      const written = await shop.call('PUT', '/values', body);
      expect([200, 400], written.text).toContain(written.status);
    }
    await shop.set('newCheckout', true);
  },
  300_000,
);

it.each(hostileValues)(
  'a value is refused with words: $name',
  async ({ schema, value }) => {
    const shop = await startShop();
    const created = await shop.call('POST', '/schemas', { name: 'trap', jsonSchema: documentOf(schema) });
    expect(created.status, created.text).toBe(201);
    const environmentId = shop.environments.development ?? '';
    const body = { schemaId: created.id, environmentId, key: 'trap', value, tier: 'secret' };
    const refused = await shop.call('PUT', '/values', body);
    expect(refused.status, refused.text).toBe(400);
    expect(refused.body.message).toMatch(/^Field "value" of "trap" cannot be checked/);
    await shop.set('newCheckout', true);
  },
  300_000,
);

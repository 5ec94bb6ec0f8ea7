import type { JsonValue } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

describe('a value that its schema cannot check in time', () => {
  it.each([
    ['a pattern', { type: 'string', pattern: '^(a+)+$' }],
    ['a pattern of property names', { type: 'object', patternProperties: { '^(a+)+$': {} } }],
    ['references', explodingSchema()],
    ['endless references', { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }],
  ])('is refused if the check takes exponential time because of %s', async (_name, keySchema: JsonValue) => {
    const shop = await startShop();
    const schema = await shop.call('POST', '/schemas', {
      name: 'trap',
      jsonSchema: {
        type: 'object',
        properties: { publicConfigSchema: { type: 'object', properties: { trap: keySchema } } },
      },
    });
    expect(schema.status).toBe(201);
    const text = `${'a'.repeat(34)}!`;
    const body = {
      schemaId: schema.id,
      environmentId: shop.environments.development ?? '',
      key: 'trap',
      value: _name === 'a pattern of property names' ? { [text]: 1, [`${text}!`]: 1 } : text,
      tier: 'public',
    };
    const response = await shop.call('PUT', '/values', body);
    expect(response.status).toBe(400);
    expect(response.body.message).toContain('Field "value" of "trap" cannot be checked');
    await shop.set('newCheckout', true);
  });

  it('is refused as fast with forty slow results as with one', async () => {
    const shop = await startShop();
    const trap = { type: 'string', pattern: '^(a+)+$' };
    const schema = await shop.call('POST', '/schemas', {
      name: 'trap',
      jsonSchema: {
        type: 'object',
        properties: { featureFlagSchema: { type: 'object', properties: { trap } } },
      },
    });
    const environmentId = shop.environments.development ?? '';
    const timeOf = async (count: number): Promise<number> => {
      const rule = { when: { all: [] }, value: `${'a'.repeat(34)}!` };
      const rules = Array.from({ length: count }, (_, index) => ({ id: `r${index}`, ...rule }));
      const value = { $cohort: { rules, defaultValue: 'a' } };
      const body = { schemaId: schema.id, environmentId, key: 'trap', value, tier: 'feature_flag' };
      // Computing time: by the clock, a busy machine may be slow with one of the two.
      const before = process.cpuUsage();
      const refused = await shop.call('PUT', '/values', body);
      expect(refused.status).toBe(400);
      expect(refused.body.message).toContain('rules[0].value" of "trap": cannot be checked');
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const one = await timeOf(1);
    // Forty checks would take forty times as long.
    expect(await timeOf(40)).toBeLessThan(one * 10);
  });
});

/** A schema with 2 ** 26 ways to refuse a text. */
function explodingSchema(): JsonValue {
  const definitions: Record<string, JsonValue> = { d26: { type: 'number' } };
  for (let level = 0; level < 26; level += 1) {
    const next = { $ref: `#/$defs/d${level + 1}` };
    definitions[`d${level}`] = { anyOf: [next, next] };
  }
  return { $defs: definitions, $ref: '#/$defs/d0' };
}

import type { JsonSchema, WireSchema } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { type Shop, sharedShop, shopDocument, startShop } from '../test-support/shop-server.ts';

/** The shop's document with one tier's keys changed. */
function changed(
  tier: keyof WireSchema['properties'],
  keys: Record<string, JsonSchema | undefined>,
): WireSchema {
  const document = shopDocument();
  const properties = Object.entries({ ...document.properties[tier].properties, ...keys });
  document.properties[tier].properties = Object.fromEntries(
    properties.filter((entry): entry is [string, JsonSchema] => entry[1] !== undefined),
  );
  return document;
}

function push(shop: Shop, jsonSchema: unknown, more: Record<string, unknown> = {}) {
  return shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema, ...more });
}

describe('schemas', () => {
  it('are created, listed, found, renamed and deleted', async () => {
    const shop = await startShop();
    const made = await shop.call('POST', '/schemas', { name: 'billing', description: 'invoices' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      organizationId: shop.server.organizationId,
      name: 'billing',
      description: 'invoices',
      currentVersion: 1,
      jsonSchema: { type: 'object', properties: { limitsSchema: { type: 'object', properties: {} } } },
      createdBy: expect.any(String),
    });
    const path = `/schemas/${made.id}`;
    expect((await shop.call('GET', path)).body).toEqual(made.body);
    expect((await shop.call('GET', '/schemas')).body).toMatchObject([{ name: 'billing' }, { name: 'shop' }]);
    const renamed = await shop.call('PATCH', path, { name: 'invoices', description: null });
    expect(renamed.body).toMatchObject({ name: 'invoices', description: null, currentVersion: 1 });
    const taken = await shop.call('PATCH', path, { name: 'shop' });
    expect(taken.status).toBe(409);
    expect(taken.body.message).toContain('"name"');
    expect((await shop.call('POST', '/schemas', { name: 'shop' })).status).toBe(409);
    expect((await shop.call('DELETE', path)).status).toBe(204);
    expect((await shop.call('GET', path)).status).toBe(404);
  });

  it('get a new version by a push, with new checks and defaults', async () => {
    const shop = await startShop();
    const document = changed('featureFlagSchema', { theme: { enum: ['light', 'blue'], default: 'blue' } });
    const response = await push(shop, document, { changeDescription: 'blue' });
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({ version: 2, schema: { currentVersion: 2, jsonSchema: document } });
    expect((await shop.call('PUT', '/values', shop.write({ key: 'theme', value: 'dark' }))).status).toBe(400);
    expect((await shop.set('theme', 'blue')).value).toBe('blue');
    const evaluated = await shop.call('POST', '/feature-flags/theme/evaluate', { environment: 'staging' });
    expect(evaluated.body).toEqual({ value: 'blue', source: 'default' });
  });

  it('cannot have a key of another schema', async () => {
    const shop = await startShop();
    const other = {
      type: 'object',
      properties: { featureFlagSchema: { type: 'object', properties: { theme: {} } } },
    };
    const made = await shop.call('POST', '/schemas', { name: 'other', jsonSchema: other });
    expect(made.status).toBe(409);
    expect(made.body).toMatchObject({ keys: ['theme'], message: expect.stringContaining('"theme" belongs') });
    const empty = await shop.call('POST', '/schemas', { name: 'other' });
    const pushed = await shop.call('POST', `/schemas/${empty.id}/push`, {
      jsonSchema: other,
      force: true,
    });
    expect(pushed.status).toBe(409);
  });

  it('are refused if stored values do not fit, unless forced', async () => {
    const shop = await startShop();
    await shop.set('theme', 'dark');
    await shop.set('cartItems', {
      $cohort: { rollout: { variants: [{ value: 90, weight: 1 }] }, defaultValue: 5 },
    });
    await shop.set('banner', 'Sale', 'production');
    const document = changed('featureFlagSchema', {
      theme: { enum: ['light'], default: 'light' },
      banner: undefined,
    });
    document.properties.limitsSchema.properties.cartItems = { type: 'number', default: 5, maximum: 10 };
    const before = await shop.ruleset();
    const refused = await push(shop, document);
    expect(refused.status).toBe(409);
    expect(refused.body.values).toEqual([
      { key: 'banner', environment: 'production', reason: 'the schema has no such key' },
      { key: 'cartItems', environment: 'development', reason: expect.stringContaining('at most 10') },
      { key: 'theme', environment: 'development', reason: expect.stringContaining('light') },
    ]);
    expect(await shop.ruleset()).toEqual(before);
    expect((await shop.call('GET', `/schemas/${shop.schema.id}`)).body.currentVersion).toBe(1);

    const forced = await push(shop, document, { force: true });
    expect(forced.body.version).toBe(2);
    expect((await shop.ruleset('production')).flags).toEqual({});
    expect((await shop.ruleset()).flags).toEqual({ theme: 'dark' });
    // Served values stay within the new bounds.
    expect(
      (await shop.call('POST', '/limits/cartItems/evaluate', { environment: 'development' })).body.value,
    ).toBe(5);
  });

  it('are refused without a path into a secret or any part of it', async () => {
    const shop = await startShop();
    const secret = 'hunter2';
    await shop.set('vault', { [secret]: secret });
    await shop.set('paymentKey', `${secret}-${secret}`);
    const documents = [
      changed('secretConfigSchema', {
        vault: { type: 'object', additionalProperties: { type: 'string', maxLength: 1 } },
      }),
      changed('secretConfigSchema', {
        vault: { type: 'object', additionalProperties: false },
        paymentKey: { type: 'string', pattern: '^x' },
      }),
      changed('secretConfigSchema', { vault: { propertyNames: { maxLength: 1 } } }),
      changed('secretConfigSchema', {
        vault: { properties: { [secret.slice(0, 3)]: {} }, minProperties: 5 },
      }),
      changed('secretConfigSchema', { vault: undefined, paymentKey: undefined }),
    ];
    for (const document of documents) {
      const refused = await push(shop, document);
      expect(refused.status).toBe(409);
      expect(refused.body.values).toEqual(
        expect.arrayContaining([
          {
            key: 'vault',
            environment: 'development',
            reason: expect.stringMatching(/^(must|property|the schema)/),
          },
        ]),
      );
      expect(refused.text).not.toContain(secret);
    }
    // The same for a value that is not secret names the place.
    await shop.set('contact', { phones: ['1'] });
    const open = await push(
      shop,
      changed('publicConfigSchema', { contact: { properties: { phones: { items: { type: 'number' } } } } }),
    );
    expect(open.body.values).toMatchObject([
      { key: 'contact', reason: expect.stringContaining('phones[0]') },
    ]);
  });

  it('lose a value whose key changes its tier: a secret must not become public', async () => {
    const shop = await startShop();
    await shop.set('paymentKey', 'sk_live_12345678');
    const document = changed('secretConfigSchema', { paymentKey: undefined });
    document.properties.publicConfigSchema.properties.paymentKey = { type: 'string' };
    const refused = await push(shop, document);
    expect(refused.status).toBe(409);
    expect(refused.text).not.toContain('sk_live');
    expect((await push(shop, document, { force: true })).status).toBe(200);
    const ruleset = await shop.ruleset();
    expect([ruleset.secret, ruleset.public]).toEqual([{}, {}]);
  });

  it('with stored values are deleted only by force', async () => {
    const shop = await startShop();
    await shop.set('theme', 'dark', 'staging');
    await shop.addEnvironment('preview', 'staging');
    const refused = await shop.call('DELETE', `/schemas/${shop.schema.id}`);
    expect(refused.status).toBe(409);
    expect(refused.body.values).toMatchObject([{ key: 'theme', environment: 'staging' }]);
    expect((await shop.call('DELETE', `/schemas/${shop.schema.id}?force=true`)).status).toBe(204);
    expect((await shop.ruleset('preview')).flags).toEqual({});
  });
});

describe('a schema document', () => {
  const shared = sharedShop();
  const flag = (schema: unknown) => ({
    type: 'object',
    properties: { featureFlagSchema: { type: 'object', properties: { theme: schema } } },
  });
  const limit = (schema: unknown) => ({
    type: 'object',
    properties: { limitsSchema: { type: 'object', properties: { cartItems: schema } } },
  });
  const key = (name: string) => ({
    type: 'object',
    properties: { publicConfigSchema: { type: 'object', properties: { [name]: {} } } },
  });

  it.each<[string, unknown, string]>([
    ['not an object', [], 'jsonSchema'],
    ['null', null, 'jsonSchema'],
    ['a string', 'x', 'jsonSchema'],
    ['another type', { type: 'array' }, 'jsonSchema.type'],
    ['no type', { properties: {} }, 'jsonSchema.type'],
    ['properties that are a list', { type: 'object', properties: [] }, 'jsonSchema.properties'],
    ['an unknown tier', { type: 'object', properties: { flags: {} } }, 'jsonSchema.properties.flags'],
    [
      'a tier of another type',
      { type: 'object', properties: { limitsSchema: { type: 'string' } } },
      'limitsSchema.type',
    ],
    ['a tier that is null', { type: 'object', properties: { limitsSchema: null } }, 'limitsSchema'],
    ['an empty key', key(''), 'the key is empty'],
    ['a long key', key('a'.repeat(256)), 'at most 255'],
    ['a key with a control character', key('a\nb'), 'control character'],
    ['a reserved key', key('constructor'), 'reserved'],
    [
      'a tier by two names',
      { type: 'object', properties: { public: { type: 'object' }, publicConfigSchema: { type: 'object' } } },
      'the same tier as "public"',
    ],
    ['a key whose schema is a boolean', flag(true), 'properties.theme'],
    ['an unknown type', flag({ type: 'text' }), 'properties.theme'],
    ['a keyword of the wrong kind', flag({ minLength: 'x' }), 'properties.theme'],
    ['an invalid pattern', flag({ pattern: '(' }), 'properties.theme'],
    ['a remote reference', flag({ $ref: 'https://example.test/a.json' }), '$ref'],
    ['a deep remote reference', flag({ anyOf: [{ $ref: 'other.json#/a' }] }), 'anyOf.0.$ref'],
    ['a reference to nothing', flag({ $ref: '#/$defs/none' }), 'properties.theme'],
    ['a limit without a default', limit({ type: 'number' }), 'cartItems.default'],
    ['a limit of another type', limit({ type: 'string', default: 1 }), 'cartItems.type'],
    [
      'a limit with a string as a bound',
      limit({ type: 'number', default: 1, minimum: '0' }),
      'cartItems.minimum',
    ],
    ['a limit with a default out of bounds', limit({ type: 'number', default: 9, maximum: 5 }), 'outside'],
    ['a limit with a step of zero', limit({ type: 'number', default: 1, multipleOf: 0 }), 'step'],
    ['a limit with another keyword', limit({ type: 'number', default: 1, enum: [1] }), 'cartItems.enum'],
  ])('is refused: %s', async (_, document, place) => {
    const shop = await shared();
    const response = await push(shop, document);
    expect(response.status).toBe(400);
    expect(response.body.message).toContain(place);
  });

  it('is refused if a key is in two tiers', async () => {
    const shop = await startShop();
    const response = await push(shop, changed('secretConfigSchema', { theme: { type: 'string' } }));
    expect(response.status).toBe(400);
    expect(response.body.message).toContain('"theme" is also in secretConfigSchema');
  });

  it('may have names of the prototype, other dialects, annotations and local references', async () => {
    const shop = await startShop();
    const document = changed('publicConfigSchema', {
      valueOf: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'string' },
      toString: { type: 'string', id: 'x', title: 'T', 'x-note': 1 },
      tree: {
        $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
        $ref: '#/$defs/node',
      },
    });
    expect((await push(shop, document)).status).toBe(200);
    const put = (key: string, value: never) =>
      shop.call('PUT', '/values', { ...shop.write({ key, value }), tier: 'public' });
    expect((await put('valueOf', 'a' as never)).status).toBe(200);
    expect((await put('toString', 'b' as never)).status).toBe(200);
    expect((await put('tree', { next: { next: 1 } } as never)).body.message).toContain('"value.next.next"');
    const { body } = await shop.call('GET', '/values?environment=development');
    expect(body.values).toEqual({ valueOf: 'a', toString: 'b' });
  });

  it('is refused if it is too large', async () => {
    const shop = await startShop();
    const response = await push(shop, flag({ description: 'x'.repeat(1024 * 1024) }));
    expect(response.status).toBe(413);
    expect(response.body.message).toContain('"jsonSchema"');
  });
});

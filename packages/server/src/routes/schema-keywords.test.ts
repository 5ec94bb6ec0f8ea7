import { join } from 'node:path';
import type { JsonSchema, JsonValue, WireSchema } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { loadEncryptionKey } from '../storage/encryption-key.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { temporaryDirectory } from '../test-support/running-server.ts';
import { type Shop, sharedShop, shopDocument, startShop } from '../test-support/shop-server.ts';

const PLACE = 'jsonSchema.properties.secretConfigSchema.properties.paymentKey';
const ASYNC = { $async: true, type: 'number' };

/** The shop's document with another schema for a secret. */
function withSecret(schema: unknown): Record<string, unknown> {
  const document = shopDocument();
  document.properties.secretConfigSchema.properties.paymentKey = schema as JsonSchema;
  return { ...document };
}

function push(shop: Shop, jsonSchema: unknown) {
  return shop.call('POST', `/schemas/${shop.schema.id}/push`, { jsonSchema });
}

describe('a keyword that the server does not support', () => {
  const shared = sharedShop();
  const deep = (schema: unknown, depth: number): unknown =>
    depth === 0 ? schema : { anyOf: [{ type: 'string' }, deep(schema, depth - 1)] };

  it.each<[string, unknown, string]>([
    ['itself', ASYNC, '.$async'],
    ['false too', { $async: false }, '.$async'],
    ['in $defs', { $defs: { a: ASYNC }, $ref: '#/$defs/a' }, '.$defs.a.$async'],
    ['in $defs that nothing refers to', { $defs: { a: ASYNC } }, '.$defs.a.$async'],
    ['in definitions', { definitions: { a: ASYNC } }, '.definitions.a.$async'],
    ['in properties', { properties: { default: ASYNC } }, '.properties.default.$async'],
    ['in patternProperties', { patternProperties: { '^a': ASYNC } }, '.patternProperties.^a.$async'],
    ['in dependentSchemas', { dependentSchemas: { a: ASYNC } }, '.dependentSchemas.a.$async'],
    ...['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'].map(
      (keyword): [string, unknown, string] => [`in ${keyword}`, { [keyword]: ASYNC }, `.${keyword}.$async`],
    ),
    ...['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'].map(
      (keyword): [string, unknown, string] => [`in ${keyword}`, { [keyword]: ASYNC }, `.${keyword}.$async`],
    ),
    ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((keyword): [string, unknown, string] => [
      `in ${keyword}`,
      { [keyword]: [{}, ASYNC] },
      `.${keyword}.1.$async`,
    ]),
    ['at any depth', deep(ASYNC, 20), '.anyOf.1.$async'],
    ['a dynamic reference', { $dynamicRef: '#' }, '.$dynamicRef'],
    ['a dynamic anchor', { $defs: { a: { $dynamicAnchor: 'a' } } }, '.$dynamicAnchor'],
    ['a recursive reference', { items: { $recursiveRef: '#' } }, '.$recursiveRef'],
    ['nullable', { type: 'string', nullable: true }, '.nullable'],
    ['a discriminator', { discriminator: { propertyName: 'a' }, oneOf: [] }, '.discriminator'],
    ['dependencies', { dependencies: { a: ['b'] } }, '.dependencies'],
    ['additionalItems', { additionalItems: ASYNC }, '.additionalItems'],
    ['a misspelt keyword', { minlength: 3 }, '.minlength'],
    ['a name of the prototype', { constructor: {} }, '.constructor'],
    ['an invented one', { errorMessage: 'no' }, '.errorMessage'],
  ])('is refused: %s', async (_name, schema, path) => {
    const shop = await shared();
    const pushed = await push(shop, withSecret(schema));
    const created = await shop.call('POST', '/schemas', {
      name: 'other',
      jsonSchema: {
        type: 'object',
        properties: { publicConfigSchema: { type: 'object', properties: { other: schema } } },
      },
    });
    expect([pushed.status, created.status]).toEqual([400, 400]);
    expect(pushed.body.message).toContain(PLACE);
    expect(pushed.body.message).toContain(`${path}" is the keyword`);
  });

  it.each([
    [{ minlength: 3 }, 'Did you mean "minLength"?'],
    [{ Type: 'string' }, 'Did you mean "type"?'],
    [{ nullable: true }, 'Add "null" to type.'],
    [ASYNC, 'Remove it: values are checked synchronously.'],
    [{ mine: 1 }, 'Remove it, or give an annotation a name that starts with "x-".'],
  ])('comes with a suggestion: %j', async (schema, suggestion) => {
    const { body } = await push(await shared(), withSecret(schema));
    expect(body.message).toMatch(/^Field "[^"]+" is the keyword "[^"]+", which is not supported\. /);
    expect(body.message?.endsWith(suggestion), body.message).toBe(true);
  });

  it.each<[string, (document: Record<string, JsonValue>) => unknown]>([
    ['the document', (document) => ({ ...document, $async: true })],
    ['the $defs of the document', (document) => ({ ...document, $defs: { a: ASYNC } })],
    [
      'a tier',
      () => ({ type: 'object', properties: { publicConfigSchema: { type: 'object', $async: true } } }),
    ],
    [
      'the $defs of a tier',
      () => ({
        type: 'object',
        properties: { publicConfigSchema: { type: 'object', $defs: { a: { items: ASYNC } } } },
      }),
    ],
  ])('is refused in %s', async (_name, change) => {
    const pushed = await push(await shared(), change(shopDocument() as unknown as Record<string, JsonValue>));
    expect(pushed.status).toBe(400);
    expect(pushed.body.message).toContain('$async');
  });
});

describe('a reference', () => {
  const shared = sharedShop();
  it.each<[string, JsonSchema]>([
    ['a default', { default: ASYNC, $ref: '#/default' }],
    ['an escaped default', { default: ASYNC, $ref: '#/%64efault' }],
    ['a default, escaped twice', { default: ASYNC, $ref: '#/%2564efault' }],
    ['a const', { const: ASYNC, anyOf: [{ $ref: '#/const' }] }],
    ['an enum', { enum: [ASYNC], anyOf: [{ $ref: '#/enum/0' }] }],
    ['an example', { examples: [{ a: ASYNC }], $ref: '#/examples/0/a' }],
    ['an annotation', { 'x-a': ASYNC, $ref: '#/x-a' }],
    ['a property of an annotation', { 'x-a': { $defs: { a: ASYNC } }, $ref: '#/x-a/$defs/a' }],
    ['an anchor in an annotation', { 'x-a': { $anchor: 'evil', ...ASYNC }, $ref: '#evil' }],
    ['an anchor in a default', { default: { $anchor: 'evil', ...ASYNC }, $ref: '#evil' }],
    ['a list of schemas', { anyOf: [{}], $ref: '#/anyOf' }],
    ['a map of schemas', { properties: {}, $ref: '#/properties' }],
    ['a name of the prototype', { properties: {}, $ref: '#/properties/constructor' }],
    ['a part of the document', { $ref: '#/properties/publicConfigSchema' }],
    ['a broken escape', { $ref: '#/%E0%A4%A' }],
  ])('may not refer to %s', async (_name, schema) => {
    const shop = await shared();
    const pushed = await push(shop, withSecret(schema));
    expect(pushed.status).toBe(400);
    expect(pushed.body.message).toMatch(/\$ref" does not refer to a schema of this key/);
  });

  it('may not be inside a schema that has its own $id, which would change what it refers to', async () => {
    const schema = {
      $defs: { a: { $id: 'https://example.test/a', $defs: { b: {} }, $ref: '#/$defs/b' } },
      $ref: '#/$defs/a',
    };
    const pushed = await push(await shared(), withSecret(schema));
    expect(pushed.status).toBe(400);
    expect(pushed.body.message).toContain('$defs.a.$ref" is inside a schema with its own "$id"');
  });
});

describe('a schema with keywords of draft 2020-12', () => {
  const every: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://example.test/key',
    $comment: 'every keyword',
    $vocabulary: {},
    title: 'T',
    description: 'D',
    deprecated: true,
    readOnly: true,
    writeOnly: false,
    examples: [ASYNC, { nullable: true, $ref: 'https://example.test/other' }],
    default: { ...ASYNC, $dynamicRef: '#' },
    'x-note': ASYNC,
    $defs: {
      'a/b~c d': { type: 'string', $anchor: 'text' },
      yes: { additionalProperties: true },
      data: { enum: [ASYNC, 'a'] },
      constant: { const: { $async: true } },
      self: { properties: { nullable: { $ref: '#text' }, more: { $ref: '#/$defs/self' } } },
    },
    definitions: { old: { $id: 'https://example.test/old', type: 'string' } },
    type: ['object', 'string'],
    properties: {
      $async: { $ref: '#text' },
      nullable: { $ref: '#/$defs/a~1b~0c%20d' },
      any: { $ref: '#/$defs/yes/additionalProperties' },
      old: { $ref: '#/definitions/old' },
      self: { $ref: '#/$defs/self' },
    },
    required: ['nullable'],
    patternProperties: { '^p': { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 9 } },
    additionalProperties: { type: 'array', prefixItems: [{}], items: { minimum: 1, maximum: 9 } },
    propertyNames: { minLength: 1, maxLength: 20, pattern: '.' },
    dependentRequired: { any: ['old'] },
    dependentSchemas: { any: { minProperties: 1, maxProperties: 9 } },
    unevaluatedProperties: false,
    if: { required: ['p1'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: { contains: { multipleOf: 2 }, minContains: 0, maxContains: 2, unevaluatedItems: true },
    else: { minItems: 0, maxItems: 9, uniqueItems: true },
    allOf: [{}],
    anyOf: [{}],
    oneOf: [{ not: { const: 'never' } }],
    format: 'uri',
    contentEncoding: 'base64',
    contentMediaType: 'application/json',
    contentSchema: { type: 'object' },
  };

  it('is accepted, and data in it may look like a keyword', async () => {
    const shop = await startShop();
    const response = await push(shop, withSecret(every));
    expect(response.text).toContain('"version":2');
    const put = (value: JsonValue) => shop.call('PUT', '/values', shop.write({ key: 'paymentKey', value }));
    expect((await put({ nullable: 'yes', $async: 'a', self: { more: { nullable: 'x' } } })).status).toBe(200);
    expect((await put({ nullable: 1 })).status).toBe(400);
    expect((await put({ nullable: 'yes', $async: 1 })).status).toBe(400);
    expect((await put({ nullable: 'yes', self: { more: { nullable: 1 } } })).status).toBe(400);
  });

  it('may have the same $id in two keys and tiers', async () => {
    const shop = await startShop();
    const document = withSecret({ $id: 'urn:same', type: 'string' }) as unknown as WireSchema;
    document.properties.publicConfigSchema.properties.supportEmail = { $id: 'urn:same', type: 'number' };
    document.properties.featureFlagSchema.properties.banner = {
      $defs: { a: { $id: 'urn:same', type: 'boolean' } },
      $ref: '#/$defs/a',
    };
    expect((await push(shop, document)).status).toBe(200);
    await shop.set('paymentKey', 'a');
    await shop.set('supportEmail', 1);
    await shop.set('banner', true);
  });
});

it('a stored schema that is refused today refuses values, and harms nothing else', async () => {
  const db = join(await temporaryDirectory(), 'config.db');
  const first = await startShop({ db });
  await first.set('paymentKey', 'sk_live_12345678');
  await first.server.close();
  const old: Record<string, JsonValue>[] = [
    ASYNC,
    { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: ASYNC } },
    { $dynamicRef: '#' },
    { $ref: 'https://example.test/other.json' },
    { type: 'no such type' },
    { pattern: '(' },
    { minimum: 'x', items: 5 },
  ];
  for (const schema of old) {
    const storage = await openSqliteStorage({
      file: db,
      encryptionKey: await loadEncryptionKey({ file: db, env: {} }),
    });
    await storage.updateSchema({
      ...first.schema,
      jsonSchema: withSecret(schema) as never,
      currentVersion: first.schema.currentVersion + 1 + old.indexOf(schema),
    });
    await storage.close();
    const shop = await first.restart({ db });
    const refused = await shop.call('PUT', '/values', shop.write({ key: 'paymentKey', value: 'sk_hidden' }));
    expect(refused.status, JSON.stringify(schema)).toBe(400);
    expect(refused.body.message).toBe(
      'Field "value" of "paymentKey" cannot be checked: this server does not support its schema. Push the schema again.',
    );
    expect((await shop.ruleset()).secret).toEqual({ paymentKey: 'sk_live_12345678' });
    expect((await shop.call('POST', '/snapshot', { environment: 'development' })).status).toBe(200);
    await shop.set('newCheckout', true);
    await shop.server.close();
  }
  const shop = await first.restart({ db });
  expect((await push(shop, shopDocument())).status).toBe(200);
  await shop.set('paymentKey', 'sk_live_87654321');
});

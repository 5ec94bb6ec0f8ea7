import { afterAll, describe, expect, it } from 'vitest';
import { CheckPool } from './check-pool.ts';
import { RequestChecks } from './request-checks.ts';
import { checkSchemaDocument, emptySchemaDocument } from './schema-document.ts';

const pool = new CheckPool();
afterAll(() => pool.close());

function check(document: unknown) {
  return checkSchemaDocument(
    document,
    new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' }),
  );
}

/** A document with keys in one tier. */
const keys = (properties: Record<string, unknown>, tier = 'publicConfigSchema') => ({
  type: 'object',
  properties: { [tier]: { type: 'object', properties } },
});
const limit = (schema: unknown) => keys({ cart: schema }, 'limitsSchema');
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, {}]));

const REFUSED: [string, unknown, string][] = [
  ['a list', [], 'Field "jsonSchema" must be an object.'],
  ['null', null, 'Field "jsonSchema" must be an object.'],
  ['another type', { type: 'array' }, 'Field "jsonSchema.type" must be "object".'],
  [
    'properties of another type',
    { type: 'object', properties: null },
    'Field "jsonSchema.properties" must be an object.',
  ],
  [
    'an unknown tier',
    keys({}, 'flags'),
    'Field "jsonSchema.properties.flags" is not a tier. The tiers are publicConfigSchema, secretConfigSchema, featureFlagSchema, limitsSchema (or public, secret, feature_flags, limits).',
  ],
  [
    'a tier by two names',
    { type: 'object', properties: { public: { type: 'object' }, publicConfigSchema: { type: 'object' } } },
    'Field "jsonSchema.properties.publicConfigSchema" is the same tier as "public". Keep one of them.',
  ],
  [
    'a tier that is a list',
    { type: 'object', properties: { limitsSchema: [] } },
    'Field "jsonSchema.properties.limitsSchema" must be an object.',
  ],
  [
    'a tier with properties that are a list',
    { type: 'object', properties: { limitsSchema: { type: 'object', properties: [] } } },
    'Field "jsonSchema.properties.limitsSchema.properties" must be an object.',
  ],
  [
    'a keyword of the document',
    { type: 'object', nullable: true },
    'Field "jsonSchema.nullable" is the keyword "nullable", which is not supported. Add "null" to type.',
  ],
  [
    'a keyword of a tier',
    { type: 'object', properties: { public: { type: 'object', nullable: true } } },
    'Field "jsonSchema.properties.public.nullable" is the keyword "nullable", which is not supported. Add "null" to type.',
  ],
  [
    'an empty key',
    keys({ '': {} }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.": the key is empty.',
  ],
  [
    'a key of two tiers',
    {
      type: 'object',
      properties: {
        secret: { type: 'object', properties: { a: {} } },
        limitsSchema: { type: 'object', properties: { a: { type: 'number', default: 1 } } },
      },
    },
    'Field "jsonSchema.properties.limitsSchema.properties.a": "a" is also in secret. A key belongs to one tier.',
  ],
  [
    'a key without a schema',
    keys({ a: true }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.a" must be a JSON Schema, as an object.',
  ],
  [
    'a limit without a schema',
    limit(true),
    'Field "jsonSchema.properties.limitsSchema.properties.cart" must be a JSON Schema, as an object.',
  ],
  [
    'a keyword of a key',
    keys({ a: { not: { $ref: 'b' } } }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.a.not.$ref" refers to another document. Only references that start with "#" are allowed.',
  ],
  [
    'a similar keyword',
    keys({ a: { minlength: 1 } }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.a.minlength" is the keyword "minlength", which is not supported. Did you mean "minLength"?',
  ],
  [
    'a keyword of the wrong type, after a good key',
    keys({ a: { $schema: 'any' }, b: { anyOf: [{ type: 'text' }] } }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.b.anyOf.0.type" is not a valid JSON Schema: it ',
  ],
  [
    'a pattern that does not compile',
    keys({ a: {}, b: { pattern: '(' } }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.b" is not a valid JSON Schema: ',
  ],
  [
    'an annotation of the wrong type',
    keys({ a: { title: 5 } }),
    'Field "jsonSchema.properties.publicConfigSchema.properties.a.title" is not a valid JSON Schema: it must be a string.',
  ],
  ['too many keys', keys(many(2_001)), 'Field "jsonSchema" has more than 2000 keys.'],
  [
    'another keyword of a limit',
    limit({ type: 'number', default: 1, enum: [1] }),
    'Field "jsonSchema.properties.limitsSchema.properties.cart.enum": the schema of a limit may only have type, default, minimum, maximum and multipleOf.',
  ],
  ...['default', 'minimum', 'maximum', 'multipleOf'].map((keyword): [string, unknown, string] => [
    `a limit with a string as its ${keyword}`,
    limit({ type: 'number', default: 1, [keyword]: '1' }),
    `Field "jsonSchema.properties.limitsSchema.properties.cart.${keyword}" must be a number.`,
  ]),
  [
    'a limit of another type',
    limit({ type: 'integer', default: 1 }),
    'Field "jsonSchema.properties.limitsSchema.properties.cart.type" must be "number".',
  ],
  [
    'a limit without a default',
    limit({ type: 'number' }),
    'Field "jsonSchema.properties.limitsSchema.properties.cart.default" is required.',
  ],
  [
    'a limit with a default between its steps',
    limit({ type: 'number', default: 5, multipleOf: 2 }),
    'Field "jsonSchema.properties.limitsSchema.properties.cart": "default" (5) is not a multiple of "step" (2).',
  ],
  [
    'a limit with a default outside of its bounds',
    limit({ type: 'number', default: 9, maximum: 5 }),
    'Field "jsonSchema.properties.limitsSchema.properties.cart": ',
  ],
];

describe('a document', () => {
  it.each(REFUSED)('is refused: %s', async (_name, document, message) => {
    const error = await check(document).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid' });
    const text = (error as Error).message;
    expect(text.startsWith(message), text).toBe(true);
    if (/[.?]$/.test(message)) expect(text).toBe(message);
    expect(text).not.toContain('defineLimit');
  });

  it('is stored as it is', async () => {
    const document = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      tool: 'any',
      properties: {
        public: { type: 'object' },
        secret: { type: 'object', properties: many(1_998) },
        limits: {
          type: 'object',
          properties: {
            cart: {
              type: 'number',
              default: 4,
              minimum: 2,
              maximum: 9,
              multipleOf: 2,
              title: 'Cart',
              description: 'items',
              $comment: 'note',
              deprecated: false,
            },
          },
        },
        featureFlagSchema: {
          type: 'object',
          properties: { theme: { $schema: 'http://json-schema.org/draft-04/schema#', enum: ['a'] } },
        },
      },
    };
    expect(await check(document)).toBe(document);
  });

  it('may be empty, even if nothing can be checked', async () => {
    const closed = new CheckPool();
    await closed.close();
    const checks = new RequestChecks(closed, { organizationId: 'organization', clientId: 'client' });
    expect(emptySchemaDocument()).toEqual({
      type: 'object',
      properties: {
        publicConfigSchema: { type: 'object', properties: {} },
        secretConfigSchema: { type: 'object', properties: {} },
        featureFlagSchema: { type: 'object', properties: {} },
        limitsSchema: { type: 'object', properties: {} },
      },
    });
    for (const document of [emptySchemaDocument(), { type: 'object' }]) {
      expect(await checkSchemaDocument(document, checks)).toBe(document);
    }
    await expect(checkSchemaDocument(keys({ a: {} }), checks)).rejects.toMatchObject({ code: 'busy' });
  });

  it('is refused if it is too large or too deep', async () => {
    await expect(check(keys({ a: { title: 'x'.repeat(1024 * 1024) } }))).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('"jsonSchema"'),
    });
    let deep: unknown = {};
    for (let level = 0; level < 100; level += 1) deep = { not: deep };
    await expect(check(keys({ a: deep }))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('nested deeper'),
    });
  });
});

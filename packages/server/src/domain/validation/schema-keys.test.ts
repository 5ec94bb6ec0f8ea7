import type { JsonSchema, SchemaDocument } from '@smooai/config';
import { expect, it } from 'vitest';
import type { StoredSchema } from '../../storage/storage.ts';
import { readLimit, readSchemaKeys, SchemaKeysCache } from './schema-keys.ts';

const documentOf = (groups: Record<string, Record<string, JsonSchema>>): SchemaDocument => {
  const properties = Object.entries(groups).map(([name, keys]) => [
    name,
    { type: 'object', properties: keys },
  ]);
  return { type: 'object', properties: Object.fromEntries(properties) } as SchemaDocument;
};

const schemaOf = (jsonSchema: SchemaDocument, currentVersion = 1): StoredSchema => ({
  id: 'schema',
  organizationId: 'organization',
  name: 'shop',
  description: null,
  currentVersion,
  jsonSchema,
  createdBy: 'client',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
});

it('reads the tier, default and bounds of each key, by either name of a tier', () => {
  const keys = readSchemaKeys(
    documentOf({
      public: { email: { type: 'string', default: null }, plain: { type: 'string' } },
      secretConfigSchema: { token: { type: 'string' } },
      featureFlagSchema: { theme: { default: 'dark', title: 'Theme', 'x-note': 1 } },
      limitsSchema: { cart: { type: 'number', default: 5, minimum: 1, maximum: 9, multipleOf: 2 } },
    }),
  );
  const read = [...keys].map(([name, { key, tier, defaultValue, limit }]) => [
    name,
    key,
    tier,
    defaultValue,
    limit,
  ]);
  expect(Object.fromEntries(read.map(([name, ...rest]) => [name, rest]))).toEqual({
    email: ['email', 'public', null, undefined],
    plain: ['plain', 'public', undefined, undefined],
    token: ['token', 'secret', undefined, undefined],
    theme: ['theme', 'feature_flag', 'dark', undefined],
    cart: ['cart', 'limit', 5, { default: 5, min: 1, max: 9, step: 2 }],
  });
  // As a validator gets it: without annotations.
  expect(keys.get('theme')?.schemaText()).toBe('{}');
  expect(keys.get('token')?.schemaText()).toBe('{"type":"string"}');
  expect(keys.get('cart')?.schemaText()).toBeUndefined();
});

it('has no inherited default', () => {
  const inherited = Object.create({ default: 'evil' }) as JsonSchema;
  expect(readSchemaKeys(documentOf({ public: { key: inherited } })).get('key')?.defaultValue).toBeUndefined();
});

it('has no schema to check with for a key with keywords that are refused today', () => {
  const key = readSchemaKeys(documentOf({ public: { key: { $async: true } } })).get('key');
  expect([key?.schemaText(), key?.schemaText()]).toEqual([undefined, undefined]);
});

it('leaves out bounds of a limit that are not numbers', () => {
  expect(readLimit({ default: '5', minimum: '1', maximum: null, multipleOf: true })).toEqual({
    default: Number.NaN,
  });
});

it('caches the keys of the current version only, and for their organization', () => {
  const cache = new SchemaKeysCache();
  const one = schemaOf(documentOf({ public: { a: {} } }));
  expect(cache.find(one)).toBeUndefined();
  expect(cache.recent('schema', 'organization')).toBeUndefined();
  const keys = cache.of(one);
  expect([...keys.keys()]).toEqual(['a']);
  expect([cache.of(one), cache.find(one), cache.recent('schema', 'organization')]).toEqual([
    keys,
    keys,
    keys,
  ]);
  expect(cache.of(one)).toBe(keys);
  expect(cache.recent('schema', 'another organization')).toBeUndefined();
  const two = schemaOf(documentOf({ public: { b: {} } }), 2);
  expect(cache.find(two)).toBeUndefined();
  expect(cache.recent('schema', 'organization')).toBe(keys);
  expect([...cache.of(two).keys()]).toEqual(['b']);
  expect(cache.find(one)).toBeUndefined();
  expect([...(cache.recent('schema', 'organization')?.keys() ?? [])]).toEqual(['b']);
  cache.delete('schema');
  expect([cache.find(two), cache.recent('schema', 'organization')]).toEqual([undefined, undefined]);
});

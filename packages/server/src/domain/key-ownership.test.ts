import type { JsonSchema, SchemaDocument } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import type { StoredSchema } from '../storage/storage.ts';
import { refuseKeysOfOtherSchemas } from './key-ownership.ts';
import { Refusal } from './refusal.ts';

const group = (properties: Record<string, JsonSchema> = {}) => ({ type: 'object', properties }) as const;

function documentOf(keys: {
  public?: Record<string, JsonSchema>;
  secret?: Record<string, JsonSchema>;
  flags?: Record<string, JsonSchema>;
}): SchemaDocument {
  return {
    type: 'object',
    properties: {
      publicConfigSchema: group(keys.public),
      secretConfigSchema: group(keys.secret),
      featureFlagSchema: group(keys.flags),
      limitsSchema: group(),
    },
  };
}

const stored = (name: string, jsonSchema: SchemaDocument) =>
  ({ id: `id of ${name}`, name, jsonSchema }) as StoredSchema;

/** The refusal of a schema next to others; undefined if it is accepted. */
function refusalOf(document: SchemaDocument, others: readonly StoredSchema[]): Refusal | undefined {
  try {
    refuseKeysOfOtherSchemas(document, others);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const string = { type: 'string' } as const;

describe('a key of another schema', () => {
  it('is refused in any tier, with the names of the key and of its owner', () => {
    const owner = stored('shop', documentOf({ public: { other: string, title: string } }));
    const unrelated = stored('blog', documentOf({ public: { author: string } }));
    for (const tier of ['public', 'secret', 'flags'] as const) {
      const refusal = refusalOf(documentOf({ [tier]: { title: string, mine: string } }), [unrelated, owner]);
      expect(refusal?.code).toBe('conflict');
      expect(refusal?.fields).toEqual({ keys: ['title'], schemaId: 'id of shop' });
      expect(refusal?.message).toMatch(
        /"title" belongs to the schema "shop".*rename the key, or remove it from/,
      );
    }
  });

  it('is refused together with the others of that schema, of which the message names 20', () => {
    const keys = Array.from({ length: 21 }, (_, index) => `key${String(index).padStart(2, '0')}`);
    const document = documentOf({ flags: Object.fromEntries(keys.map((key) => [key, string])) });
    const refusal = refusalOf(document, [stored('shop', document)]);
    expect(refusal?.fields).toMatchObject({ keys });
    expect(refusal?.message).toMatch(
      /"key00", "key01".* belong to the schema .*rename the keys, or remove them from/,
    );
    expect(refusal?.message).toContain('"key19"');
    expect(refusal?.message).not.toContain('"key20"');
  });

  it('has a long name cut in the message', () => {
    const [key, name] = ['k'.repeat(200), 'n'.repeat(200)];
    const document = documentOf({ public: { [key]: string } });
    const message = refusalOf(document, [stored(name, document)])?.message;
    expect(message).toContain(`"${'k'.repeat(100)}…"`);
    expect(message).toContain(`"${'n'.repeat(100)}…"`);
  });

  it('is not assumed for a schema without one, nor for a property of every object', () => {
    const others = [stored('shop', documentOf({ public: { title: string } }))];
    expect(refusalOf(documentOf({}), others)).toBeUndefined();
    expect(refusalOf(documentOf({ public: { constructor: string } }), others)).toBeUndefined();
    expect(refusalOf(documentOf({ public: { title: string } }), [])).toBeUndefined();
  });
});

describe('a built-in key', () => {
  it.each(['ENV', 'CLOUD_PROVIDER', 'REGION', 'IS_LOCAL'])('may be in several schemas: %s', (key) => {
    const document = documentOf({ public: { [key]: { type: 'string', default: 'x' } } });
    const same = documentOf({ public: { [key]: { default: 'x', type: 'string' } } });
    expect(refusalOf(document, [stored('one', same), stored('two', same)])).toBeUndefined();
  });

  it.each([
    ['another tier', documentOf({ secret: { REGION: string } })],
    ['another JSON Schema', documentOf({ public: { REGION: { type: 'string', default: 'x' } } })],
  ])('is refused in %s', (_name, other) => {
    const refusal = refusalOf(documentOf({ public: { REGION: string } }), [stored('shop', other)]);
    expect(refusal?.code).toBe('conflict');
    expect(refusal?.fields).toEqual({ keys: ['REGION'], schemaId: 'id of shop' });
    expect(refusal?.message).toContain('"REGION" is declared differently in the schema "shop"');
  });

  it('does not keep the other keys from being refused', () => {
    const document = documentOf({ public: { ENV: string, title: string } });
    expect(refusalOf(document, [stored('shop', document)])?.fields).toMatchObject({ keys: ['title'] });
  });
});

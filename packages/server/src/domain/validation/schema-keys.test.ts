import type { JsonSchema, JsonValue } from '@smooai/config';
import { expect, it } from 'vitest';
import { readSchemaKeys } from './schema-keys.ts';

function checkOf(schema: JsonSchema): (value: JsonValue) => boolean {
  const none = { type: 'object' as const, properties: {} };
  const keys = readSchemaKeys({
    type: 'object',
    properties: {
      publicConfigSchema: { type: 'object', properties: { key: schema } },
      secretConfigSchema: none,
      featureFlagSchema: none,
      limitsSchema: none,
    },
  });
  return (value) => keys.get('key')?.check(value) === undefined;
}

it('accepts the same URLs as the schema libraries, even after many checks', () => {
  const isUrl = checkOf({ type: 'string', format: 'uri' });
  // Many times, because Node 20 has functions whose result changes once they are optimized.
  for (let round = 0; round < 20_000; round += 1) expect(isUrl('https://münchen.de/straße')).toBe(true);
  expect(isUrl('postgres://user:pass@host/name of db')).toBe(true);
  expect(isUrl('example.com')).toBe(false);
});

it('accepts decimal multiples of a decimal step', () => {
  const isTenth = checkOf({ type: 'number', multipleOf: 0.1 });
  expect(isTenth(0.3)).toBe(true);
  expect(isTenth(0.35)).toBe(false);
});

it('refuses a value that ajv cannot compare, without an exception', () => {
  expect(checkOf({ const: { toString: 1 } })({ toString: 1 })).toBe(false);
  expect(checkOf({ enum: [{ valueOf: 1 }] })({ valueOf: 1 })).toBe(false);
  expect(checkOf({ uniqueItems: true })([{ toString: 1 }, { toString: 1 }])).toBe(false);
});

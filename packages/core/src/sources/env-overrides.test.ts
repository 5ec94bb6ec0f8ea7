import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { createConfigClient } from '../server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { readEnvironmentOverrides } from './env-overrides.ts';

const define = (validator: z.ZodType): AnyConfig =>
  defineConfig({ public: { value: validator } }) as AnyConfig;

/** The value read from `VALUE`; undefined if the schema rejects it, or it counts as not set. */
const stored = (validator: z.ZodType, text: string): unknown =>
  readEnvironmentOverrides(define(validator), { VALUE: text }).values?.public.value;

describe('the text of an environment variable', () => {
  it('is read as the schema of its key accepts it', () => {
    const object = z.object({ a: z.number() });
    for (const [validator, text, expected] of [
      [z.string(), 'false', 'false'],
      [z.string(), '0', '0'],
      [z.string(), 'null', 'null'],
      [z.string(), '"quoted"', '"quoted"'],
      [z.string(), '{"a":1}', '{"a":1}'],
      [z.string(), '__proto__', '__proto__'],
      [z.string(), ' a ', ' a '],
      [z.string(), '', undefined],
      [z.string(), '\uD800', '\uD800'],
      [z.string(), 'x'.repeat(1_000_000), 'x'.repeat(1_000_000)],
      [z.boolean(), 'false', false],
      [z.coerce.boolean(), 'false', false],
      [z.boolean(), 'maybe', undefined],
      [z.number(), '0', 0],
      [z.number(), '1e999', undefined],
      [z.number(), '0x10', undefined],
      [z.string().nullable(), 'null', 'null'],
      [z.number().nullable(), 'null', null],
      [z.enum(['a', 'b']), '"a"', 'a'],
      [object, '{"a":1}', { a: 1 }],
      [object, '{"a":1', undefined],
      [z.array(z.string()), '["a"]', ['a']],
      [z.array(z.string()), 'a', undefined],
    ] as const) {
      expect([text.slice(0, 20), stored(validator, text)]).toEqual([text.slice(0, 20), expected]);
    }
  });

  it.each([
    z.string(),
    z.string().min(0),
    z.number(),
    z.coerce.number(),
    z.coerce.bigint(),
    z.coerce.date(),
    z.coerce.boolean(),
    z.stringbool(),
    z.any(),
    z.array(z.string()),
    z.object({}).nullable(),
    z.preprocess(Number, z.number()),
  ])('is not set if it is empty or blank, whatever the type: %#', (validator) => {
    const config = defineConfig({
      public: { value: validator },
      secrets: { hidden: validator },
      flags: { flag: validator },
      limits: { seats: defineLimit({ default: 5 }) },
    }) as AnyConfig;
    for (const text of ['', ' ', '\t', '\r\n', '\u00a0 ', '\u3000']) {
      for (const prefix of ['', 'SHOP_']) {
        const names = ['VALUE', 'HIDDEN', 'FLAG', 'SEATS'];
        const variables = Object.fromEntries(names.map((name) => [`${prefix}${name}`, text]));
        const read = readEnvironmentOverrides(config, variables, prefix);
        expect(read).toEqual({ values: undefined, invalid: [] });
      }
    }
  });

  const words = {
    true: ['true', 'TRUE', 'True', '1', 'yes', 'on', 'On'],
    false: ['false', 'FALSE', '0', 'no', 'off', 'NO'],
  };
  it.each([
    ['z.boolean', z.boolean()],
    ['z.coerce.boolean', z.coerce.boolean()],
    ['z.boolean with a default', z.boolean().default(true)],
    ['z.boolean or null', z.boolean().nullable()],
    ['z.stringbool', z.stringbool()],
    ['Boolean as a transform', z.unknown().transform(Boolean)],
  ])('is a boolean by its word, in any case, for %s', async (_, validator) => {
    const config = define(validator);
    for (const [expected, texts] of Object.entries(words)) {
      for (const text of texts) {
        const options = { source: new ManualSource(rulesetOf()), overrides: { variables: { VALUE: text } } };
        await using client = await createConfigClient({ config, ...options }).ready();
        expect([text, client.public('value')]).toEqual([text, expected === 'true']);
      }
    }
  });

  it('stays what it is for a schema that takes more than booleans, or reads the words itself', () => {
    for (const [validator, text, expected] of [
      [z.union([z.boolean(), z.number()]), '1', 1],
      [z.union([z.boolean(), z.string()]), '0', '0'],
      [z.union([z.boolean(), z.string()]), 'no', 'no'],
      [z.union([z.boolean(), z.string()]), 'false', false],
      [z.any(), 'off', 'off'],
      [z.coerce.string(), 'off', 'off'],
      [z.coerce.number(), '0', '0'],
      [z.enum(['on', 'off']), 'off', 'off'],
      [z.literal(true), 'true', true],
      [z.literal(true), 'false', undefined],
      [z.preprocess((value) => value === 'true', z.boolean()), 'true', 'true'],
      [z.stringbool({ truthy: ['no'], falsy: ['yes'] }), 'no', 'no'],
    ] as const) {
      expect([text, stored(validator, text)]).toEqual([text, expected]);
    }
  });

  it('cannot reach a prototype', () => {
    const value = stored(z.record(z.string(), z.unknown()), '{"__proto__":{"polluted":true}}');
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('is not repeated in a message if it is a secret, not even a property name in it', () => {
    const config = defineConfig({
      secrets: {
        tokens: z.record(z.string(), z.number()),
        pool: z.object({ size: z.number(), hosts: z.array(z.url()) }),
        text: z.string().regex(/^sk_/),
        strict: z.strictObject({ user: z.string() }),
      },
    });
    const variables = {
      TOKENS: '{"hunter2": "hunter3"}',
      POOL: '{"size": "hunter4", "hosts": ["hunter5"]}',
      TEXT: 'hunter6',
      STRICT: '{"user":"hunter7","hunter8":1}',
    };
    const { values, invalid } = readEnvironmentOverrides(config as AnyConfig, variables);
    expect(values).toBeUndefined();
    expect(invalid.map(({ key }) => key)).toEqual(['tokens', 'pool', 'text', 'strict']);
    expect(JSON.stringify(invalid)).not.toContain('hunter');
    // Names that the schema declares are reported.
    expect(invalid[1]?.message).toMatch(/at "size".*at "hosts\.0"/);
  });
});

describe('a prefix', () => {
  it('is put before each name', () => {
    const config = define(z.string());
    for (const prefix of ['SHOP_', 'shop.', '__proto__', ' ']) {
      const { values } = readEnvironmentOverrides(config, { [`${prefix}VALUE`]: 'x', VALUE: 'y' }, prefix);
      expect(values?.public).toEqual({ value: 'x' });
    }
  });

  it('is rejected if a key would read a setting of the client', () => {
    const config = defineConfig({ public: { clientSecret: z.string() } }) as AnyConfig;
    const variables = { SMOOAI_CONFIG_CLIENT_SECRET: 'hunter2' };
    expect(() => readEnvironmentOverrides(config, variables, 'SMOOAI_CONFIG_')).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'overrides' }),
    );
    expect(readEnvironmentOverrides(config, variables).values).toBeUndefined();
  });
});

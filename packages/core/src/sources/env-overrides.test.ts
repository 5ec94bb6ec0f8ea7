import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyConfig } from '../schema/config-types.ts';
import { defineConfig } from '../schema/define-config.ts';
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
      [z.string(), ' ', ' '],
      [z.string(), '', undefined],
      [z.string(), '\uD800', '\uD800'],
      [z.string(), 'x'.repeat(1_000_000), 'x'.repeat(1_000_000)],
      [z.boolean(), 'false', false],
      [z.coerce.boolean(), 'false', false],
      [z.boolean(), 'False', undefined],
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

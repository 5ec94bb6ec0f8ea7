import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { environmentVariableName } from '../environment-variable.ts';
import { defineConfig, defineLimit, SchemaError, toJsonSchema } from '../index.ts';
import { parseValue } from './parse-value.ts';

const isTrue = async (): Promise<boolean> => true;

/** What is refused, and that the message names it. */
function expectRefusal(define: () => unknown, key: string | undefined, ...words: string[]): void {
  expect(define).toThrow(SchemaError);
  expect(define).toThrow(expect.objectContaining({ code: 'ERR_SCHEMA_INVALID', key }));
  for (const word of key === undefined ? words : [`"${key}"`, ...words]) expect(define).toThrow(word);
}

describe('defineConfig', () => {
  const options = {
    public: { apiBaseUrl: z.url(), maxRetries: z.number().int().default(3) },
    secrets: { databaseUrl: v.string() },
    flags: { newCheckout: type('boolean') },
    limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
  };

  it('keeps the validators and knows every key with its tier and variable', () => {
    const config = defineConfig(options);
    expect(config.public).toBe(options.public);
    expect(config.limits.cartItems).toEqual({ default: 20, min: 1, max: 100 });
    expect(
      [...config.keys.values()].map(({ key, tier, environmentVariable }) => [key, tier, environmentVariable]),
    ).toEqual([
      ['apiBaseUrl', 'public', 'API_BASE_URL'],
      ['maxRetries', 'public', 'MAX_RETRIES'],
      ['databaseUrl', 'secret', 'DATABASE_URL'],
      ['newCheckout', 'feature_flag', 'NEW_CHECKOUT'],
      ['cartItems', 'limit', 'CART_ITEMS'],
    ]);
  });

  it('takes any one tier alone', () => {
    for (const [tier, keys] of Object.entries(options)) {
      expect([...defineConfig({ [tier]: keys }).keys.keys()]).toEqual(Object.keys(keys));
    }
  });

  it('refuses an empty definition', () => {
    expectRefusal(() => defineConfig({}), undefined, 'empty');
    expectRefusal(() => defineConfig({ public: {}, flags: {} }), undefined, 'empty');
    expectRefusal(() => defineConfig(undefined as never), undefined, 'empty');
  });

  it('refuses a tier that it does not know', () => {
    expectRefusal(
      () => defineConfig({ secret: { a: z.string() } } as never),
      undefined,
      '"secret"',
      'secrets',
    );
  });

  it('keeps the validator of contexts, and refuses what is none', () => {
    const context = z.object({ userId: z.string() });
    expect(defineConfig({ ...options, context }).context).toBe(context);
    expect(defineConfig(options)).not.toHaveProperty('context');
    expectRefusal(() => defineConfig({ ...options, context: {} as never }), undefined, '"context"');
    expectRefusal(() => defineConfig({ context }), undefined, 'empty');
  });

  it('refuses a key in two tiers', () => {
    expectRefusal(
      () => defineConfig({ public: { theme: z.string() }, flags: { theme: z.string() } }),
      'theme',
      'public',
      'feature_flag',
    );
  });

  it('refuses two keys that share an environment variable', () => {
    const define = () => defineConfig({ public: { apiURL: z.string() }, secrets: { apiUrl: z.string() } });
    expectRefusal(define, 'apiUrl', '"apiURL"', 'API_URL');
  });

  it('refuses a key that claims one of the client’s own settings', () => {
    expectRefusal(
      () => defineConfig({ secrets: { smooaiConfigClientSecret: z.string() } }),
      'smooaiConfigClientSecret',
    );
  });

  it.each([
    ['new-checkout', 'newCheckout'],
    ['new_checkout', 'newCheckout'],
    ['NewCheckout', 'newCheckout'],
    ['new checkout', 'newCheckout'],
    ['2fa', 'fa'],
    ['$cohort', 'cohort'],
    ['über', 'ber'],
    ['', 'letters'],
    ['__proto__', 'proto'],
  ])('refuses the key "%s", which is not camelCase', (key, suggestion) => {
    // Not a literal: there `__proto__` would set the prototype.
    const flags = Object.fromEntries([[key, z.boolean()]]);
    expectRefusal(() => defineConfig({ flags }), key, 'camelCase', suggestion);
  });

  it('takes keys that objects inherit', () => {
    const config = defineConfig({
      flags: { constructor: z.boolean(), toString: z.boolean(), hasOwnProperty: z.boolean() },
    });
    expect(config.keys.size).toBe(3);
  });

  it.each([
    ['zod: a check of a string', z.string().refine(isTrue)],
    ['zod: a check behind a length', z.string().min(12).refine(isTrue)],
    ['zod: a check of a URL', z.url().refine(isTrue)],
    ['zod: a check of an enumeration', z.enum(['light', 'dark']).refine(isTrue)],
    ['zod: a check within an object', z.object({ a: z.object({ b: z.email().refine(isTrue) }) })],
    ['zod: a check within a list', z.array(z.number().min(5).refine(isTrue)).min(2)],
    ['zod: a check within a tuple', z.tuple([z.string(), z.number().refine(isTrue)])],
    ['zod: a check within a record', z.record(z.string(), z.uuid().refine(isTrue))],
    ['zod: a check within a union', z.union([z.number(), z.object({ kind: z.literal('b').refine(isTrue) })])],
    ['zod: a transform', z.string().transform(async (text) => text)],
    ['zod: a check before a default', z.string().refine(isTrue).default('a')],
    ['valibot: a check', v.pipeAsync(v.string(), v.checkAsync(isTrue))],
    [
      'valibot: a check within an object',
      v.objectAsync({ a: v.pipeAsync(v.string(), v.checkAsync(isTrue)) }),
    ],
    [
      'one of its own that rejects',
      {
        '~standard': {
          version: 1 as const,
          vendor: 'own',
          validate: () => Promise.reject(new Error('down')),
        },
      },
    ],
  ])('refuses an asynchronous validator: %s', (_, validator) => {
    expectRefusal(() => defineConfig({ public: { remote: validator } }), 'remote', 'asynchronous');
  });

  it.each([
    ['zod', z.any().transform((value: { a: { b: string } }) => value.a.b)],
    [
      'valibot',
      v.pipe(
        v.any(),
        v.transform((value: { a: { b: string } }) => value.a.b),
      ),
    ],
    ['arktype', type('unknown').pipe((value) => (value as { a: { b: string } }).a.b)],
  ])('takes synchronous validators that throw on what they do not expect: %s', (_, validator) => {
    const definition = defineConfig({ public: { nested: validator } }).keys.get('nested');
    if (definition === undefined) throw new Error('no key');
    expect(parseValue(definition, { a: { b: 'x' } })).toEqual({ ok: true, value: 'x' });
    expect(parseValue(definition, 'hunter2')).toEqual({
      ok: false,
      issues: ['its validator threw an error'],
    });
  });

  it.each([null, undefined, 'string', 42, {}, { default: 1 }, z.string, { parse: () => 1 }])(
    'refuses %s as a validator',
    (value) => {
      expectRefusal(() => defineConfig({ secrets: { token: value as never } }), 'token', 'Standard Schema');
    },
  );

  it('refuses a limit that is none', () => {
    expectRefusal(() => defineConfig({ limits: { seats: z.number() as never } }), 'seats', 'defineLimit');
    expectRefusal(() => defineConfig({ limits: { seats: 5 as never } }), 'seats', 'defineLimit');
    expectRefusal(() => defineConfig({ limits: { seats: { default: 5, min: 6 } } }), 'seats', '[6, ∞]');
  });
});

describe('environmentVariableName', () => {
  it.each([
    ['apiBaseUrl', 'API_BASE_URL'],
    ['apiURLPath', 'API_URL_PATH'],
    ['databaseURL', 'DATABASE_URL'],
    ['s3Bucket', 'S3_BUCKET'],
    ['oauth2ClientId', 'OAUTH2_CLIENT_ID'],
    ['theme', 'THEME'],
    ['aB', 'A_B'],
  ])('%s is %s', (key, name) => {
    expect(environmentVariableName(key)).toBe(name);
  });
});

describe('parseValue', () => {
  const config = defineConfig({
    public: {
      port: z.coerce.number().int(),
      point: z.object({ x: z.number() }),
      mode: v.picklist(['a', 'b']),
      size: type('number > 3'),
    },
    secrets: {
      paymentKey: z
        .string()
        .refine((value) => value.startsWith('sk_'), { error: (issue) => `bad: ${String(issue.input)}` }),
    },
  });
  const parse = (key: string, value: unknown) => {
    const definition = config.keys.get(key);
    if (definition === undefined) throw new Error(`no key ${key}`);
    return parseValue(definition, value);
  };

  it('answers what the validator makes of the value', () => {
    expect(parse('port', '80')).toEqual({ ok: true, value: 80 });
    expect(parse('mode', 'b')).toEqual({ ok: true, value: 'b' });
    expect(parse('size', 4)).toEqual({ ok: true, value: 4 });
  });

  it('names path and reason, and says no word of a secret’s value', () => {
    expect(parse('point', { x: 'no' })).toEqual({ ok: false, issues: [expect.stringContaining('"x"')] });
    expect(parse('mode', 'c').ok).toBe(false);
    expect(parse('size', 1).ok).toBe(false);
    const result = parse('paymentKey', 'hunter2');
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });
});

describe('toJsonSchema', () => {
  it('has the shape of the wire, all tiers there', () => {
    const config = defineConfig({
      limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
    });
    const none = { type: 'object', properties: {} };
    expect(toJsonSchema(config)).toEqual({
      type: 'object',
      properties: {
        publicConfigSchema: none,
        secretConfigSchema: none,
        featureFlagSchema: none,
        limitsSchema: {
          type: 'object',
          properties: { cartItems: { type: 'number', default: 20, minimum: 1, maximum: 100, multipleOf: 5 } },
        },
      },
    });
  });

  const theme = { enum: ['light', 'dark'] };
  it.each([
    ['zod', z.enum(['light', 'dark']).default('light'), { ...theme, default: 'light' }],
    [
      'valibot',
      toStandardJsonSchema(v.optional(v.picklist(['light', 'dark']), 'light')),
      { ...theme, default: 'light' },
    ],
    ['arktype', type("'light' | 'dark'"), theme],
  ])('says what %s says, with the default', (_, validator, expected) => {
    const schema = toJsonSchema(defineConfig({ flags: { theme: validator } })).properties.featureFlagSchema
      .properties.theme;
    expect(schema).toMatchObject({ ...expected, enum: expect.arrayContaining(expected.enum) });
    expect(schema).not.toHaveProperty('$schema');
    expect('default' in (schema ?? {})).toBe('default' in expected);
  });

  it.each([
    ['zod', z.object({ host: z.string().min(1), port: z.number().int().optional() })],
    [
      'valibot',
      toStandardJsonSchema(
        v.object({
          host: v.pipe(v.string(), v.minLength(1)),
          port: v.optional(v.pipe(v.number(), v.integer())),
        }),
      ),
    ],
    ['arktype', type({ host: 'string > 0', 'port?': 'number.integer' })],
  ])('accepts with ajv what %s accepts', (_, validator) => {
    const config = defineConfig({ public: { smtp: validator } });
    const definition = config.keys.get('smtp');
    const schema = toJsonSchema(config).properties.publicConfigSchema.properties.smtp;
    if (definition === undefined || schema === undefined) throw new Error('no smtp');
    const accepts = new Ajv2020({ strict: false }).compile(schema);
    const values = [
      { host: 'a' },
      { host: 'a', port: 25 },
      { host: '' },
      { host: 'a', port: 2.5 },
      { port: 25 },
      'a',
      null,
      [],
    ];
    for (const value of values)
      expect([value, accepts(value)]).toEqual([value, parseValue(definition, value).ok]);
  });

  it('names the format of a pattern, and asks for the pattern alone', () => {
    const { properties } = toJsonSchema(defineConfig({ public: { email: z.email(), url: z.url() } }));
    expect(properties.publicConfigSchema.properties).toEqual({
      email: { type: 'string', 'x-format': 'email', pattern: expect.any(String) },
      url: { type: 'string', format: 'uri' },
    });
  });

  it('describes what a validator takes, not what it makes of it', () => {
    const config = defineConfig({ public: { length: z.string().transform((text) => text.length) } });
    expect(toJsonSchema(config).properties.publicConfigSchema.properties.length).toEqual({ type: 'string' });
  });

  it('leaves out a secret’s default and examples at any depth, and nothing that only has such a name', () => {
    const config = defineConfig({
      secrets: {
        database: z
          .object({ password: z.string().default('hunter2'), default: z.string().default('hunter2') })
          .meta({ examples: [{ password: 'hunter2', default: 'x' }] })
          .default({ password: 'hunter2', default: 'hunter2' }),
        list: z.array(z.union([z.string().default('hunter2'), z.number()])),
        key: toStandardJsonSchema(v.optional(v.string(), 'hunter2')),
      },
    });
    const schema = toJsonSchema(config);
    expect(JSON.stringify(schema)).not.toContain('hunter2');
    expect(schema.properties.secretConfigSchema.properties.database).toMatchObject({
      properties: { password: { type: 'string' }, default: { type: 'string' } },
    });
  });

  it('names the key of a validator that cannot tell, with a remedy', () => {
    expectRefusal(
      () => toJsonSchema(defineConfig({ public: { a: v.string() } })),
      'a',
      'valibot',
      '@valibot/to-json-schema',
    );
    expectRefusal(() => toJsonSchema(defineConfig({ public: { b: z.date() } })), 'b', 'JSON Schema');
    const own = {
      '~standard': { version: 1 as const, vendor: 'own', validate: (value: unknown) => ({ value }) },
    };
    expectRefusal(() => toJsonSchema(defineConfig({ public: { c: own } })), 'c', 'own');
  });
});

import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit, SchemaError } from '../index.ts';

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

  it('keeps the validators and lists every key with its tier and variable', () => {
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

  it('accepts each tier alone', () => {
    for (const [tier, keys] of Object.entries(options)) {
      expect([...defineConfig({ [tier]: keys }).keys.keys()]).toEqual(Object.keys(keys));
    }
  });

  it('refuses an empty definition', () => {
    expectRefusal(() => defineConfig({}), undefined, 'empty');
    expectRefusal(() => defineConfig({ public: {}, flags: {} }), undefined, 'empty');
    expectRefusal(() => defineConfig(undefined as never), undefined, 'empty');
  });

  it('refuses an unknown tier', () => {
    expectRefusal(
      () => defineConfig({ secret: { a: z.string() } } as never),
      undefined,
      '"secret"',
      'secrets',
    );
  });

  it('keeps the validator for contexts, and refuses anything else as "context"', () => {
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
    const others = { 'new-checkout': z.boolean(), newCheckout: z.boolean() };
    expectRefusal(() => defineConfig({ flags: others }), 'newCheckout', '"new-checkout"', 'NEW_CHECKOUT');
  });

  it('refuses a key whose variable is a setting of the client', () => {
    expectRefusal(
      () => defineConfig({ secrets: { smooaiConfigClientSecret: z.string() } }),
      'smooaiConfigClientSecret',
    );
  });

  it.each([
    ['', 'empty'],
    ['x'.repeat(256), '256 characters'],
    ['__proto__', 'reserved'],
    ['constructor', 'reserved'],
    ['prototype', 'reserved'],
    ['new\ncheckout', 'control character'],
    ['new\u0000', 'control character'],
    ['\ud800', 'surrogate'],
  ])('refuses the key %j', (key, reason) => {
    // Not a literal: there `__proto__` would set the prototype.
    const flags = Object.fromEntries([[key, z.boolean()]]);
    const define = () => defineConfig({ flags });
    expect(define).toThrow(expect.objectContaining({ code: 'ERR_SCHEMA_INVALID', key }));
    expect(define).toThrow(JSON.stringify(key));
    expect(define).toThrow(reason);
  });

  it('accepts any other string as a key, and keeps its type', () => {
    const config = defineConfig({
      public: { API_URL: z.url(), 'weird/key with spaces': z.string(), ENV: z.string() },
      flags: { 'a.b': z.boolean(), foo_bar: z.boolean(), 'über-uns ✓': z.boolean(), toString: z.boolean() },
      secrets: { ['x'.repeat(255)]: z.string() },
    });
    expect(config.keys.size).toBe(8);
    expectTypeOf<keyof typeof config.flags>().toEqualTypeOf<'a.b' | 'foo_bar' | 'über-uns ✓' | 'toString'>();
    expectTypeOf<keyof typeof config.public>().toEqualTypeOf<'API_URL' | 'weird/key with spaces' | 'ENV'>();
  });

  it('calls no validator', () => {
    let calls = 0;
    const validate = (value: unknown) => {
      calls += 1;
      return { value };
    };
    const own = { '~standard': { version: 1 as const, vendor: 'own', validate } };
    const count = () => {
      calls += 1;
      return true;
    };
    defineConfig({
      context: z.object({ userId: z.string().refine(count) }),
      public: { own, refined: z.any().refine(count), checked: v.pipe(v.any(), v.check(count)) },
      secrets: { narrowed: type('unknown').narrow(count), piped: type('unknown').pipe(count) },
      flags: { preprocessed: z.preprocess(count, z.any()), caught: z.any().catch(count) },
    });
    expect(calls).toBe(0);
  });

  it('calls the function that makes a default once, and leaves that of a secret alone', () => {
    const make = vi.fn(() => true);
    defineConfig({ flags: { a: z.boolean().default(make) }, secrets: { b: z.boolean().default(make) } });
    expect(make).toHaveBeenCalledTimes(1);
    make.mockImplementation(() => {
      throw new Error('not yet');
    });
    expect(() => defineConfig({ flags: { a: v.optional(v.boolean(), make) } })).not.toThrow();
  });

  it.each([null, undefined, 'string', 42, {}, { default: 1 }, z.string, { parse: () => 1 }])(
    'refuses %s as a validator',
    (value) => {
      expectRefusal(() => defineConfig({ secrets: { token: value as never } }), 'token', 'Standard Schema');
    },
  );

  it('refuses a limit that defineLimit did not make or would refuse', () => {
    expectRefusal(() => defineConfig({ limits: { seats: z.number() as never } }), 'seats', 'defineLimit');
    expectRefusal(() => defineConfig({ limits: { seats: 5 as never } }), 'seats', 'defineLimit');
    expectRefusal(() => defineConfig({ limits: { seats: { default: 5, min: 6 } } }), 'seats', '[6, ∞]');
  });
});

describe('the environment variable of a key', () => {
  it.each([
    ['apiBaseUrl', 'API_BASE_URL'],
    ['apiURLPath', 'API_URL_PATH'],
    ['databaseURL', 'DATABASE_URL'],
    ['s3Bucket', 'S3_BUCKET'],
    ['oauth2ClientId', 'OAUTH2_CLIENT_ID'],
    ['theme', 'THEME'],
    ['aB', 'A_B'],
    ['myAPIKeyV2Beta', 'MY_API_KEY_V2_BETA'],
    ['enableNewUI', 'ENABLE_NEW_UI'],
    ['API_URL', 'API_URL'],
    ['OAUTH2URL', 'OAUTH2URL'],
    ['foo_bar', 'FOO_BAR'],
    ['a.b', 'A_B'],
    ['new-checkout', 'NEW_CHECKOUT'],
    ['weird/key with spaces', 'WEIRD_KEY_WITH_SPACES'],
    ['2fa', '_2FA'],
    ['über', '_BER'],
    ['straße', 'STRA_E'],
  ])('%s: %s', (key, name) => {
    const { keys } = defineConfig({ flags: { [key]: z.boolean() } });
    expect(keys.get(key)?.environmentVariable).toBe(name);
  });
});

import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  type BrowserFlagValue,
  type BrowserPublicValue,
  type ConfigContext,
  defineConfig,
  defineLimit,
  type EvaluationContext,
  type FlagInput,
  type FlagValue,
  type JsonValue,
  type PublicInput,
  type PublicValue,
  type SecretInput,
  type TargetedValue,
} from '../index.ts';
import { createConfigClient, createSnapshotEventStream } from '../server.ts';
import { createTestClient } from '../testing.ts';

const config = defineConfig({
  context: z.object({ userId: z.string(), country: z.string().optional() }),
  public: {
    homepage: z.url().transform((text) => new URL(text)),
    port: z.string().transform(Number),
    since: v.optional(
      v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
      '2026-01-01',
    ),
    either: z.union([z.number(), z.string().transform((text) => new Date(text))]),
    smtp: z.object({ host: z.string(), port: z.number().default(25) }),
  },
  secrets: { paymentKey: v.pipe(v.string(), v.minLength(1)) },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: v.picklist(['light', 'dark']),
    density: type("'cosy' | 'compact'"),
  },
  limits: { cartItems: defineLimit({ default: 20 }) },
});
type Config = typeof config;
const client = createConfigClient({ config });

describe('a context', () => {
  test('has the declared attributes, and may be left out', () => {
    expectTypeOf<ConfigContext<Config>>().toEqualTypeOf<{ userId: string; country?: string | undefined }>();
    expectTypeOf(client.flag('theme')).toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(client.flag('density', { userId: 'u' })).toEqualTypeOf<'cosy' | 'compact'>();
    expectTypeOf(client.limit('cartItems', { userId: 'u', country: 'NL' })).toEqualTypeOf<number>();
    client.snapshot();
    client.snapshot({ userId: 'u' });
  });

  test('with wrong attributes does not compile', () => {
    // @ts-expect-error no userId
    client.flag('theme', {});
    // @ts-expect-error not a string
    client.flagDetails('theme', { userId: 1 });
    // @ts-expect-error no such attribute
    client.limit('cartItems', { userId: 'u', contry: 'NL' });
    // @ts-expect-error not a string
    client.limitDetails('cartItems', { userId: 'u', country: 31 });
    // @ts-expect-error no userId
    client.snapshot({ country: 'NL' });
    // @ts-expect-error no userId
    createSnapshotEventStream(client, { country: 'NL' });
  });

  test('may have any attributes if none are declared', () => {
    const open = defineConfig({ flags: { beta: z.boolean() } });
    expectTypeOf<ConfigContext<typeof open>>().toEqualTypeOf<EvaluationContext>();
    expectTypeOf<ConfigContext>().toEqualTypeOf<EvaluationContext>();
    createConfigClient({ config: open }).flag('beta', { whatever: [1] });
  });

  test('is declared with an object schema of any library', () => {
    const byValibot = defineConfig({ flags: { a: z.boolean() }, context: v.object({ userId: v.string() }) });
    const byArktype = defineConfig({
      flags: { a: z.boolean() },
      context: type({ 'plan?': "'free' | 'pro'" }),
    });
    expectTypeOf<ConfigContext<typeof byValibot>>().toEqualTypeOf<{ userId: string }>();
    expectTypeOf<ConfigContext<typeof byArktype>>().toEqualTypeOf<{ plan?: 'free' | 'pro' }>();
    // @ts-expect-error a context is an object
    defineConfig({ flags: { a: z.boolean() }, context: z.string() });
  });
});

describe('keys of a client', () => {
  test('are those of their tier', () => {
    // @ts-expect-error no such flag
    client.flag('newCheckuot');
    // @ts-expect-error a limit is not a flag
    client.flag('cartItems');
    // @ts-expect-error a flag is not a limit
    client.limit('theme');
    // @ts-expect-error a secret is not a public value
    client.public('paymentKey');
    // @ts-expect-error a public value is not a secret
    client.secret('homepage');
  });
});

describe('values', () => {
  test('are read as the validator returns them, and stored as it accepts them', () => {
    expectTypeOf<PublicValue<'homepage', Config>>().toEqualTypeOf<URL>();
    expectTypeOf<PublicInput<'homepage', Config>>().toEqualTypeOf<string>();
    expectTypeOf<PublicValue<'since', Config>>().toEqualTypeOf<Date>();
    expectTypeOf<PublicInput<'since', Config>>().toEqualTypeOf<string | undefined>();
    expectTypeOf<SecretInput<'paymentKey', Config>>().toEqualTypeOf<string>();
    expectTypeOf<FlagValue<'newCheckout', Config>>().toEqualTypeOf<boolean>();
    expectTypeOf<FlagInput<'newCheckout', Config>>().toEqualTypeOf<boolean | undefined>();
  });

  test('reach a browser as they are if JSON can carry them, else as they are stored', () => {
    expectTypeOf<BrowserPublicValue<'homepage', Config>>().toEqualTypeOf<string>();
    expectTypeOf<BrowserPublicValue<'since', Config>>().toEqualTypeOf<string>();
    expectTypeOf<BrowserPublicValue<'port', Config>>().toEqualTypeOf<number>();
    expectTypeOf<BrowserPublicValue<'either', Config>>().toEqualTypeOf<number | string>();
    expectTypeOf<BrowserPublicValue<'smtp', Config>>().toEqualTypeOf<{ host: string; port: number }>();
    expectTypeOf<BrowserFlagValue<'theme', Config>>().toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf<BrowserFlagValue<string>>().toBeUnknown();
  });

  test('of a test client have the stored type, raw or targeted', () => {
    const page = 'https://example.com';
    const tested = createTestClient({ config, public: { homepage: page }, flags: { newCheckout: true } });
    tested.set({ flags: { theme: { $cohort: { defaultValue: 'dark' } } }, limits: { cartItems: 5 } });
    // @ts-expect-error stored as a string; the schema turns it into a URL
    tested.set({ public: { homepage: new URL(page) } });
    // @ts-expect-error not one of the theme's values
    tested.set({ flags: { theme: 'purple' } });
    // @ts-expect-error not one of the theme's values
    tested.set({ flags: { theme: { $cohort: { defaultValue: 'purple' } } } });
    // @ts-expect-error no such flag
    tested.set({ flags: { themes: 'dark' } });
    // @ts-expect-error a limit is a number
    tested.set({ limits: { cartItems: 'many' } });
    expectTypeOf<TargetedValue<boolean>>().toExtend<JsonValue>();
  });
});

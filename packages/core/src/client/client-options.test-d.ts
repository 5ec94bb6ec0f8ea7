import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit } from '../index.ts';
import { type ConfigClient, createConfigClient, getSharedConfigClient } from '../server.ts';
import type { BundledValues } from '../sources/bundled-values.ts';
import { createTestClient, type TestClient } from '../testing.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.url(), since: z.iso.date().transform((text) => new Date(text)) },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']) },
  limits: { cartItems: defineLimit({ default: 20 }) },
});
type Config = typeof config;

describe('bundled values', () => {
  test('have the input types of the validators, and only declared keys', () => {
    createConfigClient({
      config,
      bundled: {
        defaults: {
          public: { since: '2026-01-01', apiBaseUrl: ({ public: values }) => String(values.since) },
          flags: { theme: { $cohort: { defaultValue: 'dark' } }, newCheckout: () => true },
          limits: { cartItems: 5 },
          segments: { staff: { attribute: 'country', op: 'in', values: ['NL'] } },
        },
        environments: { production: { secrets: { databaseUrl: 'https://db.example' } } },
      },
    });
    createConfigClient({ config, bundled: { file: 'defaults.json', environmentFile: '{environment}.json' } });
    const wrong: BundledValues<Config>[] = [
      // @ts-expect-error no such key
      { public: { apiBaseURL: 'https://api.example' } },
      // @ts-expect-error a secret is not a public value
      { public: { databaseUrl: 'https://db.example' } },
      // @ts-expect-error no such tier
      { flag: { newCheckout: true } },
      // @ts-expect-error not a theme
      { flags: { theme: 'pink' } },
      // @ts-expect-error the output type of the validator, not its input type
      { public: { since: new Date() } },
      // @ts-expect-error a limit is a number
      { limits: { cartItems: '5' } },
      // @ts-expect-error a value cannot be a promise
      { limits: { cartItems: () => Promise.resolve(5) } },
    ];
    void wrong;
    // @ts-expect-error no such key, with an inferred schema
    createConfigClient({ config, bundled: { defaults: { flags: { oldCheckout: true } } } });
    const environments = { test: { flags: { theme: 'pink' as const } } };
    // @ts-expect-error not a theme, with an inferred schema
    createConfigClient({ config, bundled: { defaults: {}, environments } });
    // @ts-expect-error neither in code nor in a file
    createConfigClient({ config, bundled: {} });
  });
});

describe('other options', () => {
  test('accept only known values', () => {
    // @ts-expect-error not a start
    createConfigClient({ config, start: 'soon' });
    // @ts-expect-error not a fallback
    createConfigClient({ config, fallback: 'bundled' });
    // @ts-expect-error only false is allowed
    createConfigClient({ config, overrides: true });
    // @ts-expect-error neither encrypt nor omit
    createConfigClient({ config, cache: { file: 'copy.json', secrets: 'plain' } });
    createConfigClient({
      config,
      overrides: { prefix: 'SHOP_', variables: process.env },
      onEvent: async (event) => {
        if (event.type === 'cache' && event.status === 'refused') expectTypeOf(event.reason).toBeString();
        // @ts-expect-error no event contains a value
        void event.value;
      },
    });
  });

  test('keep the type of the client', () => {
    expectTypeOf(createConfigClient({ config })).toEqualTypeOf<ConfigClient<Config>>();
    expectTypeOf(getSharedConfigClient({ config, key: 'a' })).toEqualTypeOf<ConfigClient<Config>>();
    expectTypeOf(createConfigClient({ config }).ready()).resolves.toEqualTypeOf<ConfigClient<Config>>();
    expectTypeOf(createConfigClient({ config }).public('since')).toEqualTypeOf<Date>();
    createConfigClient({ config }).onSecretChange('databaseUrl', (url) => expectTypeOf(url).toBeString());
  });
});

describe('a test client', () => {
  const client = createTestClient({ config, public: { since: '2026-01-01' } });

  test('is a client of its schema, and its overrides return the result of their scope', () => {
    expectTypeOf(client).toEqualTypeOf<TestClient<Config>>();
    expectTypeOf(client).toExtend<ConfigClient<Config>>();
    expectTypeOf(client.override({ limits: { cartItems: 1 } })).toEqualTypeOf<Disposable>();
    expectTypeOf(client.override({ limits: { cartItems: 1 } }, () => 'a')).toEqualTypeOf<string>();
    expectTypeOf(client.override({}, async () => 1)).toEqualTypeOf<Promise<number>>();
  });

  test('accepts only declared keys', () => {
    // @ts-expect-error no such key
    client.set({ flags: { oldCheckout: true } });
    // @ts-expect-error not a theme
    client.override({ flags: { theme: 'pink' } });
    // @ts-expect-error the output type of the validator, not its input type
    createTestClient({ config, public: { since: new Date() } });
  });
});

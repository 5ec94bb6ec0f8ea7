import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  type AnyConfig,
  type ConfigDefinition,
  defineConfig,
  defineLimit,
  type FlagKey,
  type FlagValue,
  type LimitKey,
  type PublicKey,
  type PublicValue,
  type RegisteredConfig,
  type SecretKey,
  type SecretValue,
} from '../index.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.url(), maxRetries: z.number().int().default(3), port: z.coerce.number() },
  secrets: {
    databaseUrl: v.string(),
    smtp: v.object({ host: v.string(), port: v.optional(v.number(), 25) }),
  },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    layout: toStandardJsonSchema(v.picklist(['grid', 'list'])),
    density: type("'cosy' | 'compact'"),
  },
  limits: { cartItems: defineLimit({ default: 20 }) },
});
type Config = typeof config;

describe('values', () => {
  test('have the output types of their validators', () => {
    expectTypeOf<PublicValue<'apiBaseUrl', Config>>().toEqualTypeOf<string>();
    expectTypeOf<PublicValue<'maxRetries', Config>>().toEqualTypeOf<number>();
    expectTypeOf<PublicValue<'port', Config>>().toEqualTypeOf<number>();
    expectTypeOf<SecretValue<'databaseUrl', Config>>().toEqualTypeOf<string>();
    expectTypeOf<SecretValue<'smtp', Config>>().toEqualTypeOf<{ host: string; port: number }>();
    expectTypeOf<FlagValue<'newCheckout', Config>>().toEqualTypeOf<boolean>();
    expectTypeOf<FlagValue<'theme', Config>>().toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf<FlagValue<'layout', Config>>().toEqualTypeOf<'grid' | 'list'>();
    expectTypeOf<FlagValue<'density', Config>>().toEqualTypeOf<'cosy' | 'compact'>();
  });
});

describe('keys', () => {
  test('are those of their tier', () => {
    expectTypeOf<PublicKey<Config>>().toEqualTypeOf<'apiBaseUrl' | 'maxRetries' | 'port'>();
    expectTypeOf<SecretKey<Config>>().toEqualTypeOf<'databaseUrl' | 'smtp'>();
    expectTypeOf<FlagKey<Config>>().toEqualTypeOf<'newCheckout' | 'theme' | 'layout' | 'density'>();
    expectTypeOf<LimitKey<Config>>().toEqualTypeOf<'cartItems'>();
  });

  test('a wrong key or tier does not compile', () => {
    // @ts-expect-error no such flag
    expectTypeOf<FlagValue<'newCheckot', Config>>();
    // @ts-expect-error a flag is not a public value
    expectTypeOf<PublicValue<'theme', Config>>();
    // @ts-expect-error a secret is not a public value
    expectTypeOf<PublicValue<'databaseUrl', Config>>();
  });

  test('a tier that is left out has no keys', () => {
    const flagsOnly = defineConfig({ flags: { beta: z.boolean() } });
    expectTypeOf<FlagKey<typeof flagsOnly>>().toEqualTypeOf<'beta'>();
    expectTypeOf<PublicKey<typeof flagsOnly>>().toBeNever();
    expectTypeOf<SecretKey<typeof flagsOnly>>().toBeNever();
    expectTypeOf<LimitKey<typeof flagsOnly>>().toBeNever();
    expectTypeOf(flagsOnly).toExtend<AnyConfig>();
  });
});

describe('defineConfig', () => {
  test('accepts only validators and limits', () => {
    // @ts-expect-error a default is not a validator
    expectTypeOf(defineConfig<{ theme: 'light' }>).toBeFunction();
    // @ts-expect-error a limit needs a default
    expectTypeOf(defineLimit).toBeCallableWith({ min: 1 });
    // @ts-expect-error no such tier
    expectTypeOf(defineConfig).toBeCallableWith({ feature: {} });
  });

  test('is any schema until one is registered', () => {
    expectTypeOf<RegisteredConfig>().toEqualTypeOf<AnyConfig>();
    expectTypeOf<FlagKey>().toEqualTypeOf<string>();
    expectTypeOf<FlagValue<string>>().toBeUnknown();
    expectTypeOf(config).toExtend<ConfigDefinition>();
  });
});

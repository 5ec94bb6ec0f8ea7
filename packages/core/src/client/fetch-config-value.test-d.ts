import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit, type JsonValue } from '../index.ts';
import { fetchConfigValue } from '../server.ts';

const config = defineConfig({
  public: { since: z.coerce.date() },
  secrets: { paymentKey: z.string() },
  flags: { theme: z.enum(['light', 'dark']) },
  limits: { cartItems: defineLimit({ default: 5 }) },
});

describe('fetchConfigValue', () => {
  it('returns the type of the key in the schema', () => {
    expectTypeOf(fetchConfigValue('since', { config })).resolves.toEqualTypeOf<Date>();
    expectTypeOf(fetchConfigValue('paymentKey', { config })).resolves.toEqualTypeOf<string>();
    expectTypeOf(fetchConfigValue('theme', { config })).resolves.toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(fetchConfigValue('cartItems', { config })).resolves.toEqualTypeOf<number>();
    // @ts-expect-error: not in the schema
    void fetchConfigValue('missing', { config });
  });

  it('returns JSON without a schema, because nothing has checked it', () => {
    expectTypeOf(fetchConfigValue('since')).resolves.toEqualTypeOf<JsonValue>();
  });
});

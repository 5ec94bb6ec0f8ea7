import type { ConfigSnapshot, EvaluationContext, Snapshot } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { describe, expectTypeOf, it } from 'vitest';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

describe('createNextConfig', () => {
  const { flag, flagDetails, limit, publicValue, secret, snapshot } = createNextConfig({
    config: shopConfig(),
    context: async () => ({ userId: 'u-1' }),
  });

  it('returns the type of each value', () => {
    expectTypeOf(flag('newCheckout')).resolves.toEqualTypeOf<boolean>();
    expectTypeOf(flag('theme', { userId: 'u-2' })).resolves.toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(flagDetails('theme')).resolves.toHaveProperty('value').toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(limit('cartItems')).resolves.toEqualTypeOf<number>();
    expectTypeOf(publicValue('supportEmail')).resolves.toEqualTypeOf<string>();
    expectTypeOf(secret('paymentKey')).resolves.toEqualTypeOf<string>();
    expectTypeOf(snapshot).toEqualTypeOf<
      (context?: EvaluationContext) => Promise<Snapshot & ConfigSnapshot<ReturnType<typeof shopConfig>>>
    >();
  });

  it('rejects keys of another tier and unknown keys', () => {
    // @ts-expect-error a secret, not a flag
    void flag('paymentKey');
    // @ts-expect-error a secret, not a public value
    void publicValue('paymentKey');
    // @ts-expect-error misspelt
    void limit('cartItem');
  });

  it('takes either a schema or a client', () => {
    const config = shopConfig();
    const client = createTestClient({ config });
    createNextConfig({ client });
    createNextConfig({ client: async () => client });
    // @ts-expect-error both
    createNextConfig({ config, client });
    // @ts-expect-error neither
    createNextConfig({});
  });
});

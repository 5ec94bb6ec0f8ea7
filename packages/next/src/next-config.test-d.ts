import type { EvaluationContext, Snapshot } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { describe, expectTypeOf, it } from 'vitest';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

describe('createNextConfig', () => {
  const { flag, flagDetails, limit, publicValue, secret, snapshot } = createNextConfig({
    config: shopConfig(),
    context: async () => ({ userId: 'u-1' }),
  });

  it('types every value by the schema', () => {
    expectTypeOf(flag('newCheckout')).resolves.toEqualTypeOf<boolean>();
    expectTypeOf(flag('theme', { userId: 'u-2' })).resolves.toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(flagDetails('theme')).resolves.toHaveProperty('value').toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(limit('cartItems')).resolves.toEqualTypeOf<number>();
    expectTypeOf(publicValue('supportEmail')).resolves.toEqualTypeOf<string>();
    expectTypeOf(secret('paymentKey')).resolves.toEqualTypeOf<string>();
    expectTypeOf(snapshot).toEqualTypeOf<(context?: EvaluationContext) => Promise<Snapshot>>();
  });

  it('refuses a key of another tier, and one that is not there', () => {
    // @ts-expect-error a secret is no flag
    void flag('paymentKey');
    // @ts-expect-error a secret is no public value
    void publicValue('paymentKey');
    // @ts-expect-error misspelt
    void limit('cartItem');
  });

  it('takes a schema or a client, not both and not none', () => {
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

import { defineConfig, defineLimit } from '@smooai/config';
import type { ConfigProviderProps } from '@smooai/config-next/client';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createNextConfig } from './server.ts';
import { createVariants } from './variants.ts';

const config = defineConfig({
  public: { supportEmail: z.string() },
  secrets: { paymentKey: z.string().min(1) },
  flags: { newCheckout: z.boolean() },
  limits: { cartItems: defineLimit({ default: 20 }) },
});

describe('a secret has no place in what reaches a browser', () => {
  const next = createNextConfig({ config });

  it('is refused by all reads but secret()', () => {
    // @ts-expect-error a secret
    void next.publicValue('paymentKey');
    // @ts-expect-error a secret
    void next.flag('paymentKey');
    // @ts-expect-error a secret
    void next.flags(['newCheckout', 'paymentKey']);
    // @ts-expect-error a secret
    void next.flagDetails('paymentKey');
    // @ts-expect-error a secret
    void next.limit('paymentKey');
    // @ts-expect-error not a secret
    void next.secret('supportEmail');
    expectTypeOf(next.secret('paymentKey')).resolves.toEqualTypeOf<string>();
  });

  it('is not a key of a snapshot, nor of the keys for browsers', () => {
    type Snapshot = Awaited<ReturnType<typeof next.snapshot>>;
    expectTypeOf<keyof Snapshot>().toEqualTypeOf<'revision' | 'public' | 'flags' | 'limits'>();
    // @ts-expect-error a secret
    createNextConfig({ config, browserKeys: ['supportEmail', 'paymentKey'] });
    createNextConfig({ config, browserKeys: ['supportEmail', 'newCheckout', 'cartItems'] });
    // @ts-expect-error a secret
    createVariants({ config, flags: next.flags })(['paymentKey']);
  });

  it('is not in the props of ConfigRoot and ConfigProvider', () => {
    type Root = Parameters<typeof next.ConfigRoot>[0];
    expectTypeOf<keyof Root>().toEqualTypeOf<'fallback' | 'defaults' | 'stream' | 'children'>();
    type Defaults = NonNullable<Root['defaults']>;
    expectTypeOf<keyof Defaults>().toEqualTypeOf<'public' | 'flags' | 'limits'>();
    expectTypeOf<keyof ConfigProviderProps>().toEqualTypeOf<'snapshot' | keyof Omit<Root, 'fallback'>>();
    // @ts-expect-error a secret
    next.ConfigRoot({ defaults: { secrets: { paymentKey: 'value' } } });
    // The registered schema of this package's tests has a secret of this name too.
    // @ts-expect-error a secret
    next.ConfigRoot({ defaults: { public: { paymentKey: 'value' } } });
    // @ts-expect-error a secret
    next.ConfigRoot({ defaults: { flags: { paymentKey: 'value' } } });
    const snapshot = { revision: '1', public: {}, flags: {}, limits: {} };
    const props: ConfigProviderProps[] = [
      { snapshot },
      // @ts-expect-error a secret
      { snapshot: { ...snapshot, secrets: { paymentKey: 'value' } } },
      // @ts-expect-error a secret
      { snapshot: { ...snapshot, public: { paymentKey: 'value' } } },
    ];
    expectTypeOf(props).toBeArray();
  });
});

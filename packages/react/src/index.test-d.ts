import { describe, expectTypeOf, it } from 'vitest';
import { useFlag, useFlagDetails, useLimit, usePublic } from './index.ts';
import './test-support/shop-config.ts';

describe('hooks typed by the registered schema', () => {
  it('return the type of each value', () => {
    expectTypeOf(useFlag('newCheckout')).toEqualTypeOf<boolean>();
    expectTypeOf(useFlag('theme')).toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(useFlag('theme', 'dark')).toEqualTypeOf<'light' | 'dark'>();
    expectTypeOf(usePublic('supportEmail')).toEqualTypeOf<string>();
    expectTypeOf(useLimit('cartItems')).toEqualTypeOf<number>();
    expectTypeOf(useFlagDetails('newCheckout')?.value).toEqualTypeOf<boolean | undefined>();
  });

  it('reject unknown keys, keys of another tier and wrong fallbacks', () => {
    // @ts-expect-error a key that is not declared
    useFlag('newChekout');
    // @ts-expect-error a limit, not a flag
    useFlag('cartItems');
    // @ts-expect-error a secret never reaches a browser
    usePublic('paymentKey');
    // @ts-expect-error not one of the theme's values
    useFlag('theme', 'blue');
    // @ts-expect-error a limit is a number
    useLimit('cartItems', '20');
  });
});

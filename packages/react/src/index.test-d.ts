import { type ConfigDefaults, defineConfig } from '@smooai/config';
import type { ConfigSnapshot, Evaluation, Snapshot } from '@smooai/config/browser';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  createHooks,
  useConfigContext,
  useFlag,
  useFlagDetails,
  useLimit,
  usePublic,
  useSuspenseFlag,
} from './index.ts';
import type { config } from './test-support/shop-config.ts';

type Theme = 'light' | 'dark';

describe('hooks typed by the registered schema', () => {
  it('may return undefined without a default', () => {
    expectTypeOf(useFlag('newCheckout')).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(useFlag('theme')).toEqualTypeOf<Theme | undefined>();
    expectTypeOf(usePublic('supportEmail')).toEqualTypeOf<string | undefined>();
    expectTypeOf(useLimit('cartItems')).toEqualTypeOf<number | undefined>();
    expectTypeOf(useFlagDetails('theme')).toEqualTypeOf<Evaluation<Theme> | undefined>();
    // @ts-expect-error there may be no value yet
    usePublic('supportEmail').toUpperCase();
  });

  it('return the type of the value with a fallback or under Suspense', () => {
    expectTypeOf(useFlag('newCheckout', false)).toEqualTypeOf<boolean>();
    expectTypeOf(useFlag('theme', 'dark')).toEqualTypeOf<Theme>();
    expectTypeOf(usePublic('supportEmail', 'a@example.com')).toEqualTypeOf<string>();
    expectTypeOf(useLimit('cartItems', 5)).toEqualTypeOf<number>();
    expectTypeOf(useFlagDetails('theme', 'dark')).toEqualTypeOf<Evaluation<Theme>>();
    expectTypeOf(useSuspenseFlag('theme')).toEqualTypeOf<Theme>();
    const fallback = 'dark' as Theme | undefined;
    expectTypeOf(useFlag('theme', fallback)).toEqualTypeOf<Theme | undefined>();
    const either = 'newCheckout' as 'newCheckout' | 'theme';
    expectTypeOf(useFlag(either)).toEqualTypeOf<boolean | Theme | undefined>();
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

describe('defaults', () => {
  const defaults = { flags: { theme: 'light' }, limits: { cartItems: 20 } } satisfies ConfigDefaults;
  const hooks = createHooks<typeof config, typeof defaults>();

  it('make the values of their keys certain, and no others', () => {
    expectTypeOf(hooks.useFlag('theme')).toEqualTypeOf<Theme>();
    expectTypeOf(hooks.useFlagDetails('theme')).toEqualTypeOf<Evaluation<Theme>>();
    expectTypeOf(hooks.useLimit('cartItems')).toEqualTypeOf<number>();
    expectTypeOf(hooks.useFlag('newCheckout')).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(hooks.usePublic('supportEmail')).toEqualTypeOf<string | undefined>();
    const either = 'newCheckout' as 'newCheckout' | 'theme';
    expectTypeOf(hooks.useFlag(either)).toEqualTypeOf<boolean | Theme | undefined>();
  });

  it('must be given to the provider', () => {
    hooks.ConfigProvider({ defaults });
    // @ts-expect-error the hooks rely on them
    hooks.ConfigProvider({});
    // @ts-expect-error not one of the theme's values
    const wrong = { flags: { theme: 'blue' } } satisfies ConfigDefaults;
    void wrong;
  });
});

describe('a schema that is not registered', () => {
  const admin = defineConfig({
    flags: { audit: z.boolean().default(false) },
    context: z.object({ role: z.enum(['admin', 'editor']) }),
  });
  const hooks = createHooks<typeof admin>();

  it('types the hooks, the context and the snapshot', () => {
    expectTypeOf(hooks.useFlag('audit')).toEqualTypeOf<boolean | undefined>();
    // @ts-expect-error a flag of the registered schema
    hooks.useFlag('newCheckout');
    const [context, setContext] = hooks.useConfigContext();
    expectTypeOf(context?.role).toEqualTypeOf<'admin' | 'editor' | undefined>();
    setContext({ role: 'admin' });
    // @ts-expect-error an attribute that the schema does not declare
    setContext({ role: 'admin', userId: 'u-1' });
    // @ts-expect-error not one of the roles
    hooks.ConfigProvider({ context: { role: 'guest' } });
  });
});

it('types snapshots by the schema', () => {
  const rest = { revision: '0', public: {}, limits: {} };
  const right: ConfigSnapshot = { ...rest, flags: { theme: { value: 'dark', source: 'raw' } } };
  void right;
  // @ts-expect-error not one of the theme's values
  const wrong: ConfigSnapshot = { ...rest, flags: { theme: { value: 'nonsense', source: 'raw' } } };
  void wrong;
  // @ts-expect-error the schema does not declare the key
  const unknown: ConfigSnapshot = { ...rest, flags: { them: { value: 'dark', source: 'raw' } } };
  void unknown;
  expectTypeOf<Snapshot & ConfigSnapshot>().toExtend<Snapshot>();
  expectTypeOf(useConfigContext()[0]).toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
});

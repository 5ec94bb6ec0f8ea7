import { defineConfig } from '@smooai/config';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { BooleanFlagKey } from './index.ts';
import { Flag, Limit, RequireFlag, SmooConfigModule } from './index.ts';
import { config } from './test-support/shop-config.ts';

test('decorators take the keys of the registered schema', () => {
  Flag('theme');
  Limit('cartItems');
  RequireFlag('newCheckout', { status: 403 });
  // @ts-expect-error an unknown key
  Flag('newCheckuot');
  // @ts-expect-error a flag, not a limit
  Limit('theme');
  // @ts-expect-error a route cannot require a flag that is not boolean
  RequireFlag('theme');
  expectTypeOf<BooleanFlagKey>().toEqualTypeOf<'newCheckout' | 'beta'>();
});

test('the module takes a schema or a client', () => {
  SmooConfigModule.forRoot({ config, context: () => ({ userId: 'u' }), readyTimeoutMs: 1 });
  // @ts-expect-error neither a schema nor a client
  SmooConfigModule.forRoot({ global: true });
});

test('the context of a call must have the declared attributes', () => {
  const declared = defineConfig({
    context: z.object({ userId: z.string() }),
    flags: { beta: z.boolean() },
  });
  SmooConfigModule.forRoot({ config: declared, context: () => ({ userId: 'u' }) });
  // @ts-expect-error userId is missing
  SmooConfigModule.forRoot({ config: declared, context: () => ({}) });
  // @ts-expect-error not a string
  SmooConfigModule.forRoot({ config: declared, context: async () => ({ userId: 1 }) });
});

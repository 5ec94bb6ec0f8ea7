import { expectTypeOf, test } from 'vitest';
import type { BooleanFlagKey } from './index.ts';
import { ConfigModule, Flag, Limit, RequireFlag } from './index.ts';
import { config } from './test-support/schema.ts';

test('decorators take the keys of the registered schema', () => {
  Flag('theme');
  Limit('cartItems');
  RequireFlag('newCheckout', { status: 403 });
  // @ts-expect-error no such flag
  Flag('newCheckuot');
  // @ts-expect-error a flag is no limit
  Limit('theme');
  // @ts-expect-error a route cannot require a flag that is not boolean
  RequireFlag('theme');
  expectTypeOf<BooleanFlagKey>().toEqualTypeOf<'newCheckout' | 'beta'>();
});

test('the module takes a schema or a client', () => {
  ConfigModule.forRoot({ config, context: () => ({ userId: 'u' }), readyTimeoutMs: 1 });
  // @ts-expect-error neither a schema nor a client
  ConfigModule.forRoot({ global: true });
});

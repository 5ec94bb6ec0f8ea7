import { defineConfig } from '@smooai/config';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  type BooleanFlagKey,
  configDecorators,
  Flag,
  InjectPublic,
  InjectSecret,
  Limit,
  OnConfigChange,
  RequireFlag,
  SmooConfigModule,
  type SmooConfigService,
  whenChanged,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { type ConfigOverrides, SmooConfigTestingModule } from './testing.ts';

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

test('a guard takes a value of the flag, or a predicate over the schema', () => {
  RequireFlag('theme', { is: 'dark' });
  RequireFlag('newCheckout', { is: false });
  RequireFlag((flags) => flags.flag('theme') === 'dark' && flags.limit('cartItems') > 3);
  // @ts-expect-error not a value of the flag
  RequireFlag('theme', { is: 'purple' });
  // @ts-expect-error an unknown key
  RequireFlag((flags) => flags.flag('newCheckuot'));
});

test('injection and listeners take the keys of their tier', () => {
  InjectSecret('paymentKey');
  InjectPublic('supportEmail', { plain: true });
  OnConfigChange('flags.beta', 'secrets.paymentKey');
  whenChanged(['paymentKey', 'supportEmail'], (client) => client.secret('paymentKey').length);
  // @ts-expect-error a public value, not a secret
  InjectSecret('supportEmail');
  // @ts-expect-error a flag has no group here
  OnConfigChange('beta');
  // @ts-expect-error a provider is rebuilt for public values and secrets only
  whenChanged(['beta'], () => 1);
});

test('the service reads what the schema says', () => {
  const read = (service: SmooConfigService) => ({
    theme: service.flag('theme'),
    secret: service.secret('paymentKey'),
    limit: service.limit('cartItems', { userId: 'u' }),
    details: service.flagDetails('beta').value,
  });
  expectTypeOf(read).returns.toEqualTypeOf<{
    theme: 'light' | 'dark';
    secret: string;
    limit: number;
    details: boolean;
  }>();
});

test('decorators of a named instance take the keys of its schema', () => {
  const declared = defineConfig({ flags: { invoices: z.boolean() }, secrets: { bankKey: z.string() } });
  const billing = configDecorators<typeof declared>('billing');
  billing.Flag('invoices');
  billing.RequireFlag('invoices', { status: 403 });
  billing.InjectSecret('bankKey');
  // @ts-expect-error a flag of another schema
  billing.Flag('beta');
});

test('tests take the values of the registered schema', () => {
  SmooConfigTestingModule.forRoot({ flags: { beta: true, theme: 'dark' }, limits: { cartItems: 3 } });
  // @ts-expect-error not a value of the flag
  SmooConfigTestingModule.forRoot({ flags: { theme: 'purple' } });
  const override = (overrides: ConfigOverrides) => overrides.flag('beta', true).secret('paymentKey', 'k');
  expectTypeOf(override).returns.toEqualTypeOf<ConfigOverrides>();
  // @ts-expect-error not a value of the flag
  const wrong = (overrides: ConfigOverrides) => overrides.flag('theme', 'purple');
  expectTypeOf(wrong).toBeFunction();
});

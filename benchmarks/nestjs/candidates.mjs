import { AsyncLocalStorage } from 'node:async_hooks';
import { controllerOf } from './decorate.mjs';
import { load } from './nest.mjs';

const { Controller, createParamDecorator, Get, UseGuards } = await load('@nestjs/common');
const nest = { Controller, Get };
const read = (theme, beta, checkout, limit) => ({ theme, beta, checkout, limit });
const constant = (value) => createParamDecorator(() => value)();
const allow = { canActivate: () => true };

function inStorage() {
  const storage = new AsyncLocalStorage();
  return (_request, _response, next) => storage.run({}, next);
}

/** The same route for each candidate: a guard, three flags and a limit, for the user of a header. */
export const candidates = {
  'constants, no parameters': () => ({
    controllers: [
      controllerOf(nest, { method: [UseGuards(allow)], read: () => read('dark', true, true, 50) }),
    ],
  }),

  'constants as parameters': () => ({
    controllers: [
      controllerOf(nest, {
        method: [UseGuards(allow)],
        parameters: [constant('dark'), constant(true), constant(true), constant(50)],
        read,
      }),
    ],
  }),

  'constants, in an AsyncLocalStorage': () => ({
    use: inStorage(),
    controllers: [
      controllerOf(nest, { method: [UseGuards(allow)], read: () => read('dark', true, true, 50) }),
    ],
  }),

  // What any library costs that fills parameters and has a context for each request.
  'constants as parameters, in an AsyncLocalStorage': () => ({
    ...candidates['constants as parameters'](),
    use: inStorage(),
  }),

  '@smooai/config-nestjs': async () => {
    const { defineConfig, defineLimit } = await load('@smooai/config');
    const { createTestClient } = await load('@smooai/config/testing');
    const { Flag, Limit, RequireFlag, requestOf, SmooConfigModule } = await load('@smooai/config-nestjs');
    const any = { '~standard': { version: 1, vendor: 'benchmark', validate: (value) => ({ value }) } };
    const config = defineConfig({
      flags: { theme: any, beta: any, checkout: any },
      limits: { items: defineLimit({ default: 20 }) },
    });
    const forUser = (value, others) => ({
      $cohort: {
        rules: [{ id: 'user', when: { attribute: 'userId', op: 'in', values: ['ada'] }, value }],
        defaultValue: others,
      },
    });
    const client = createTestClient({
      config,
      flags: { theme: forUser('dark', 'light'), beta: forUser(true, false), checkout: forUser(true, false) },
      limits: { items: forUser(50, 20) },
    });
    const context = (call) => ({ userId: requestOf(call).headers['x-user'] });
    return {
      imports: [SmooConfigModule.forRoot({ client, context })],
      controllers: [
        controllerOf(nest, {
          method: [RequireFlag('checkout')],
          parameters: [Flag('theme'), Flag('beta'), Flag('checkout'), Limit('items')],
          read,
        }),
      ],
    };
  },

  '@openfeature/nestjs-sdk': async () => {
    const sdk = await import('@openfeature/nestjs-sdk');
    const { InMemoryProvider } = await import('@openfeature/server-sdk');
    const { firstValueFrom } = await import('rxjs');
    const forUser = (value, others) => ({
      variants: { on: value, off: others },
      defaultVariant: 'off',
      disabled: false,
      contextEvaluator: (context) => (context.userId === 'ada' ? 'on' : 'off'),
    });
    const defaultProvider = new InMemoryProvider({
      theme: forUser('dark', 'light'),
      beta: forUser(true, false),
      checkout: forUser(true, false),
      items: forUser(50, 20),
    });
    const contextFactory = (call) => ({ userId: call.switchToHttp().getRequest().headers['x-user'] });
    // It injects Observables of details.
    const value = async (details$) => (await firstValueFrom(details$)).value;
    return {
      imports: [sdk.OpenFeatureModule.forRoot({ defaultProvider, contextFactory })],
      controllers: [
        controllerOf(nest, {
          method: [sdk.RequireFlagsEnabled({ flags: [{ flagKey: 'checkout' }] })],
          parameters: [
            sdk.StringFeatureFlag({ flagKey: 'theme', defaultValue: 'light' }),
            sdk.BooleanFeatureFlag({ flagKey: 'beta', defaultValue: false }),
            sdk.BooleanFeatureFlag({ flagKey: 'checkout', defaultValue: false }),
            sdk.NumberFeatureFlag({ flagKey: 'items', defaultValue: 20 }),
          ],
          read: async (...details) => read(...(await Promise.all(details.map(value)))),
        }),
      ],
    };
  },
};

import 'reflect-metadata';
import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExternalContextCreator } from '@nestjs/core';
import type { TargetedValue } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import {
  type ContextFactory,
  Flag,
  Limit,
  RequireFlag,
  SmooConfigModule,
  SmooConfigService,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

/** Reads through the service, as a guard that knows nothing of the transport does. */
@Injectable()
class BetaGuard implements CanActivate {
  readonly #config: SmooConfigService;
  constructor(@Inject(SmooConfigService) service: SmooConfigService) {
    this.#config = service;
  }

  async canActivate(): Promise<boolean> {
    await Promise.resolve();
    return this.#config.flag('beta');
  }
}

/** As the decorators of a transport do: a method without such metadata is not a handler. */
const Handler = () => SetMetadata('test:handler', true);

@Injectable()
class Handlers {
  @Handler()
  @UseGuards(BetaGuard)
  guarded(): string {
    return 'done';
  }

  @Handler()
  read(@Flag('beta') beta: boolean, @Limit('cartItems') cartItems: number): unknown {
    return { beta, cartItems };
  }

  @Handler()
  @RequireFlag('newCheckout')
  checkout(): string {
    return 'done';
  }
}

const BETA_FOR_ADA: TargetedValue<boolean> = {
  $cohort: {
    rules: [{ id: 'ada', when: { attribute: 'userId', op: 'in', values: ['ada'] }, value: true }],
    defaultValue: false,
  },
};

/** Calls a handler through Nest's guards and pipes, as its RPC, WebSocket and GraphQL layers do. */
async function start(type: string, context: ContextFactory) {
  const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { beta: BETA_FOR_ADA } });
  const { app } = await startApp({
    imports: [SmooConfigModule.forRoot({ client, context })],
    providers: [Handlers],
  });
  const creator = app.get(ExternalContextCreator);
  const handlers = app.get(Handlers);
  const call = (method: 'read' | 'checkout' | 'guarded') =>
    creator.create(
      handlers as unknown as Record<string, unknown>,
      handlers[method] as () => unknown,
      method,
      ROUTE_ARGS_METADATA,
      { exchangeKeyForValue: () => undefined },
      undefined,
      undefined,
      undefined,
      type,
    );
  return { client, call };
}

/** The arguments of a handler in the order of each transport. One of them contains the user. */
const TRANSPORTS = [
  {
    type: 'rpc',
    userOf: (call: ExecutionContext) => call.switchToRpc().getData<{ user: string }>().user,
    args: (user: string) => [{ user }, { pattern: 'read' }],
  },
  {
    type: 'ws',
    userOf: (call: ExecutionContext) => call.switchToWs().getData<{ user: string }>().user,
    args: (user: string) => [SOCKET, { user }],
  },
  {
    type: 'graphql',
    userOf: (call: ExecutionContext) => call.getArgByIndex<{ user: string }>(2).user,
    args: (user: string) => [{}, {}, { user }, {}],
  },
  {
    type: 'ws',
    userOf: (call: ExecutionContext) => call.switchToWs().getData<string>(),
    args: (user: string) => [SOCKET, user],
  },
];

const SOCKET = { id: 'socket' };

describe.each(TRANSPORTS)('a call over $type', ({ type, userOf, args }) => {
  it('gets flags and limits for its own context, also on a long-lived connection', async () => {
    const { call } = await start(type, (executionContext) => ({ userId: userOf(executionContext) }));
    const read = call('read');
    expect(await read(...args('ada'))).toEqual({ beta: true, cartItems: 20 });
    expect(await read(...args('bob'))).toEqual({ beta: false, cartItems: 20 });
  });

  it('reaches services that guards read, before the handler', async () => {
    const { call } = await start(type, (executionContext) => ({ userId: userOf(executionContext) }));
    const guarded = call('guarded');
    await expect(guarded(...args('bob'))).rejects.toThrow('Forbidden resource');
    expect(await guarded(...args('ada'))).toBe('done');
  });

  it('computes its context once for each call', async () => {
    let calls = 0;
    const { call } = await start(type, (executionContext) => {
      calls++;
      return { userId: userOf(executionContext) };
    });
    const read = call('read');
    await read(...args('ada'));
    expect(calls).toBe(1);
    await read(...args('bob'));
    expect(calls).toBe(2);
  });

  it('is refused while the flag is off, and allowed while it is on', async () => {
    const { client, call } = await start(type, () => ({}));
    const checkout = call('checkout');
    await expect(checkout(...args('ada'))).rejects.toThrow(
      type === 'graphql' ? 'Not Found' : 'Forbidden resource',
    );
    client.set({ flags: { newCheckout: true } });
    expect(await checkout(...args('ada'))).toBe('done');
  });
});

it('two resolvers of one GraphQL request share its context', async () => {
  let calls = 0;
  const { call } = await start('graphql', (executionContext) => {
    calls++;
    return { userId: executionContext.getArgByIndex<{ user: string }>(2).user };
  });
  const request = { user: 'ada' };
  for (const parent of [{}, { id: 1 }]) {
    expect(await call('read')(parent, {}, request, {})).toEqual({ beta: true, cartItems: 20 });
  }
  expect(calls).toBe(1);
  expect(await call('read')({}, {}, { user: 'bob' }, {})).toEqual({ beta: false, cartItems: 20 });
  expect(calls).toBe(2);
});

it('two GraphQL operations over one connection have contexts of their own', async () => {
  const { call } = await start('graphql', (executionContext) => ({
    userId: executionContext.getArgByIndex<{ user: string }>(2).user,
  }));
  const req = { headers: {} };
  for (const user of ['ada', 'bob']) {
    expect(await call('read')({}, {}, { user, req }, {})).toMatchObject({ beta: user === 'ada' });
  }
});

it('a call over a transport of another library is refused too', async () => {
  const { call } = await start('discord', () => ({}));
  await expect(call('checkout')({ command: 'checkout' })).rejects.toThrow('Not Found');
});

import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { expect, it } from 'vitest';
import { currentCall } from './config-call.ts';
import { Flag, Limit, RequireFlag, requestOf, SmooConfigModule, SmooConfigService } from './index.ts';
import { as, onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

// 2,000 with `test:long`.
const REQUESTS = process.env.CONFIG_TEST_RUNS === 'full' ? 2_000 : 200;
const CONNECTIONS = 100;

const client = createTestClient({
  config,
  secrets: { paymentKey: 'k' },
  flags: { beta: onFor('user-7'), newCheckout: true },
});

/** Calls that were opened, so that a test can see whether they can be collected. */
let opened: WeakRef<object>[] = [];

@Injectable()
class RememberingGuard implements CanActivate {
  canActivate(executionContext: ExecutionContext): boolean {
    const call = currentCall();
    if (call !== undefined) opened.push(new WeakRef(call));
    if (requestOf(executionContext).headers?.['x-user'] === 'throws') throw new Error('expected');
    return true;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));

@Controller()
@UseGuards(RememberingGuard)
class LoadController {
  readonly #config: SmooConfigService;
  constructor(@Inject(SmooConfigService) service: SmooConfigService) {
    this.#config = service;
  }

  @Get('load')
  @RequireFlag('newCheckout')
  async load(@Flag('beta') beta: boolean, @Limit('cartItems') limit: number) {
    const users: unknown[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      await pause();
      users.push((await this.#config.context()).userId, this.#config.flag('beta'));
    }
    return { beta, limit, users };
  }

  @Get('slow')
  async slow() {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { beta: this.#config.flag('beta') };
  }
}

const start = (platform: 'express' | 'fastify') =>
  startApp(
    {
      imports: [
        SmooConfigModule.forRoot({
          client,
          context: async (call) => {
            await pause();
            return { userId: String(requestOf(call).headers?.['x-user']) };
          },
        }),
      ],
      controllers: [LoadController],
    },
    { platform },
  );

it.each(['express', 'fastify'] as const)(
  'concurrent requests see their own context, on %s',
  async (platform) => {
    const { get } = await start(platform);
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < REQUESTS; index = next++) {
        const user = `user-${index % 10}`;
        const isOn = user === 'user-7';
        const { body } = await get('/load', { ...as(user), signal: AbortSignal.timeout(30_000) });
        expect(body).toEqual({ beta: isOn, limit: 20, users: [user, isOn, user, isOn, user, isOn] });
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  },
);

it('a guard that throws, an abort and a time-out leave no call behind', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { get } = await start('express');
  opened = [];
  for (let turn = 0; turn < 20; turn += 1) {
    expect((await get('/load', as('throws'))).status).toBe(500);
    const abort = new AbortController();
    const aborted = get('/slow', { ...as('ada'), signal: abort.signal });
    setImmediate(() => abort.abort());
    await aborted.catch(() => undefined);
    await get('/slow', { ...as('ada'), signal: AbortSignal.timeout(1) }).catch(() => undefined);
  }
  expect(opened.length).toBeGreaterThan(20);
  await expect
    .poll(() => {
      collect();
      return opened.filter((ref) => ref.deref() !== undefined).length;
    })
    // The last request of each connection that is kept alive is still held by Node's HTTP server.
    .toBeLessThan(5);
});

import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Logger, SetMetadata } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExternalContextCreator } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ContextFactory, Flag, RequireFlag, SmooConfigModule, SmooConfigService } from './index.ts';
import { MemoryTransport } from './test-support/memory-transport.ts';
import { config } from './test-support/shop-config.ts';
import { silent, startApp } from './test-support/start-app.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const forever: ContextFactory = () => new Promise(() => undefined);
const testClient = () =>
  createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { newCheckout: true } });

function logged(): () => string {
  const error = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  return () => error.mock.calls.flat().join('\n');
}

@Controller()
class ReadController {
  private readonly config: SmooConfigService;
  constructor(@Inject(SmooConfigService) service: SmooConfigService) {
    this.config = service;
  }

  @Get('parameter')
  @MessagePattern('parameter')
  parameter(@Flag('newCheckout') newCheckout: boolean) {
    return { newCheckout };
  }

  @Get('guarded')
  @MessagePattern('guarded')
  @RequireFlag('newCheckout')
  guarded() {
    return { ok: true };
  }

  @Get('service')
  async service() {
    await this.config.context();
    return { ok: true };
  }

  @Get('unused')
  unused() {
    return { ok: true };
  }
}

describe.each(['express', 'fastify'] as const)('a context that does not settle, on %s', (platform) => {
  it('refuses the request with 503, and the log names the option', async () => {
    const log = logged();
    const { get } = await startApp(
      {
        imports: [SmooConfigModule.forRoot({ client: testClient(), context: forever, contextTimeoutMs: 1 })],
        controllers: [ReadController],
      },
      { platform },
    );
    for (const path of ['/parameter', '/guarded', '/service']) {
      const { status, body } = await get(path, { signal: null });
      expect({ path, status, body }).toEqual({
        path,
        status: 503,
        body: { statusCode: 503, message: 'Service Unavailable' },
      });
    }
    expect((await get('/unused', { signal: null })).status).toBe(200);
    expect(log()).toMatch(/"context" function of SmooConfigModule "default".*1 ms.*"contextTimeoutMs"/);
  });
});

it('a GraphQL operation is refused with a code', async () => {
  logged();
  @Injectable()
  class Resolver {
    @SetMetadata('graphql:resolver_type', 'Query')
    @RequireFlag('newCheckout')
    guarded() {}
  }
  const module = await Test.createTestingModule({
    imports: [SmooConfigModule.forRoot({ client: testClient(), context: forever, contextTimeoutMs: 1 })],
    providers: [Resolver],
  })
    .setLogger(silent)
    .compile();
  onTestFinished(() => module.close());
  await module.init();
  const run = module
    .get(ExternalContextCreator)
    .create(
      module.get(Resolver) as unknown as Record<string, unknown>,
      Object.getOwnPropertyDescriptor(Resolver.prototype, 'guarded')?.value as () => unknown,
      'guarded',
      ROUTE_ARGS_METADATA,
      { exchangeKeyForValue: () => undefined },
      undefined,
      undefined,
      undefined,
      'graphql',
    );
  await expect(run({}, {}, { req: {} }, {})).rejects.toMatchObject({
    status: 503,
    extensions: { code: 'SERVICE_UNAVAILABLE' },
  });
});

describe('a message', () => {
  async function start(options: { context: ContextFactory; contextTimeoutMs?: number }) {
    const strategy = new MemoryTransport();
    const module = await Test.createTestingModule({
      imports: [SmooConfigModule.forRoot({ client: testClient(), ...options })],
      controllers: [ReadController],
    })
      .setLogger(silent)
      .compile();
    const app = module.createNestMicroservice({ strategy, logger: false });
    onTestFinished(() => app.close());
    await app.listen();
    vi.useFakeTimers();
    return strategy;
  }

  it('waits for ten seconds by default, and is then refused as its transport refuses', async () => {
    logged();
    const transport = await start({ context: forever });
    const outcome = vi.fn();
    const delivered = transport.deliver('guarded', {}, {}).then(outcome, outcome);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(outcome).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await delivered;
    expect(outcome).toHaveBeenCalledExactlyOnceWith({ status: 'error', message: 'Internal server error' });
  });

  it.each([
    ['resolves', async () => ({ userId: 'ada' }), { ok: true }],
    ['rejects', () => Promise.reject(new TypeError('expected')), undefined],
  ] as const)('leaves no timer behind if its context %s in time', async (_, context, expected) => {
    const log = logged();
    const transport = await start({ context, contextTimeoutMs: 50 });
    const result = transport.deliver('guarded', {}, {});
    if (expected === undefined) await expect(result).rejects.toMatchObject({ status: 'error' });
    else expect(await result).toEqual(expected);
    expect(vi.getTimerCount()).toBe(0);
    expect(log()).not.toMatch(/contextTimeoutMs/);
  });

  it('stays refused if its context comes too late', async () => {
    logged();
    const late: ((context: { userId: string }) => void)[] = [];
    const transport = await start({
      context: () => new Promise((resolve) => late.push(resolve)),
      contextTimeoutMs: 50,
    });
    const refused = expect(transport.deliver('parameter', {}, {})).rejects.toMatchObject({ status: 'error' });
    await vi.advanceTimersByTimeAsync(50);
    await refused;
    for (const resolve of late) resolve({ userId: 'ada' });
    await vi.advanceTimersByTimeAsync(1);
    expect(late).toHaveLength(1);
  });
});

it.each([[0], [-5], [Number.NaN], [Number.POSITIVE_INFINITY], [2 ** 31], ['5']])(
  'the start fails with contextTimeoutMs %s',
  async (contextTimeoutMs) => {
    const imports = [
      SmooConfigModule.forRoot({ client: testClient(), contextTimeoutMs: contextTimeoutMs as number }),
    ];
    const start = Test.createTestingModule({ imports }).setLogger(silent).compile();
    await expect(start).rejects.toMatchObject({ name: 'OptionsError', option: 'contextTimeoutMs' });
  },
);

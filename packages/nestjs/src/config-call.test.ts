import 'reflect-metadata';
import {
  type ArgumentsHost,
  Body,
  type CallHandler,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Post,
  Scope,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  Flag,
  FlagDetails,
  requestOf,
  runWithContext,
  SmooConfigModule,
  SmooConfigService,
  WithConfigContext,
} from './index.ts';
import { as, onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { type Platform, startApp } from './test-support/start-app.ts';

const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { beta: onFor('ada') } });
const userOf = (call: ExecutionContext) =>
  requestOf<{ headers: Record<string, string> }>(call).headers['x-user'];
const context = (call: ExecutionContext) => ({ userId: userOf(call) });
const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

@Injectable()
class Deep {
  readonly config: SmooConfigService;
  constructor(@Inject(SmooConfigService) service: SmooConfigService) {
    this.config = service;
  }

  async read(): Promise<boolean> {
    await pause();
    return this.config.flag('beta');
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  readonly beta: boolean;
  readonly user: unknown;
  constructor(@Inject(REQUEST) request: { headers: Record<string, string> }, @Inject(Deep) deep: Deep) {
    this.user = request.headers['x-user'];
    this.beta = deep.config.flag('beta');
  }
}

@Injectable()
class ReadingInterceptor implements NestInterceptor {
  readonly #deep: Deep;
  constructor(@Inject(Deep) deep: Deep) {
    this.#deep = deep;
  }

  async intercept(call: ExecutionContext, next: CallHandler) {
    const reader = await this.#deep.config.forCall(call);
    requestOf(call).intercepted = [await this.#deep.read(), reader.flag('beta')];
    return next.handle();
  }
}

@Catch()
class ReadingFilter implements ExceptionFilter {
  readonly #deep: Deep;
  constructor(@Inject(Deep) deep: Deep) {
    this.#deep = deep;
  }

  async catch(_error: unknown, host: ArgumentsHost): Promise<void> {
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: unknown): void } }>();
    response.status(418).send({ beta: await this.#deep.read() });
  }
}

@Controller()
class ReadController {
  readonly #deep: Deep;
  constructor(@Inject(Deep) deep: Deep) {
    this.#deep = deep;
  }

  @Get('service')
  async service(@Flag('beta') parameter: boolean) {
    return { parameter, service: await this.#deep.read() };
  }

  @Post('body')
  async body(@Body() body: { text: string }) {
    return { length: body.text.length, service: await this.#deep.read() };
  }

  @Get('only-service')
  async onlyService() {
    return { service: await this.#deep.read() };
  }

  @Get('awaited')
  async awaited() {
    const { userId } = await this.#deep.config.context();
    return { userId, service: this.#deep.config.flag('beta') };
  }

  @Get('details')
  details(@FlagDetails('beta') details: unknown) {
    return details;
  }

  @Get('unused')
  unused() {
    return {};
  }

  @Get('intercepted')
  @UseInterceptors(ReadingInterceptor)
  intercepted(@Flag('beta') beta: boolean) {
    return { beta };
  }

  @Get('failing')
  @UseFilters(ReadingFilter)
  failing(): never {
    throw new Error('expected');
  }

  @Get('job')
  async job() {
    const inside = await runWithContext({ userId: 'ada' }, () => this.#deep.read());
    return { inside, decorated: await this.decorated('ada', 1), after: await this.#deep.read() };
  }

  @WithConfigContext(async (userId: string) => ({ userId }))
  async decorated(userId: string, count: number) {
    return [userId, count, await this.#deep.read()];
  }
}

@Controller('scoped')
class ScopedController {
  readonly #request: PerRequest;
  constructor(@Inject(PerRequest) request: PerRequest) {
    this.#request = request;
  }

  @Get()
  read(@Flag('beta') parameter: boolean) {
    return { parameter, injected: this.#request.beta, user: this.#request.user };
  }
}

@Module({ providers: [Deep, PerRequest], controllers: [ReadController, ScopedController] })
class ReadModule {}

const start = (
  platform: Platform,
  factory?: (call: ExecutionContext) => ReturnType<typeof context> | Promise<ReturnType<typeof context>>,
) =>
  startApp(
    { imports: [SmooConfigModule.forRoot({ client, ...(factory && { context: factory }) }), ReadModule] },
    { platform },
  );

describe.each(['express', 'fastify'] as const)('the context of a request, on %s', (platform) => {
  it('reaches services, interceptors, filters and request-scoped providers', async () => {
    const { get } = await start(platform, context);
    for (const [user, beta] of [
      ['ada', true],
      ['bob', false],
    ] as const) {
      expect((await get('/service', as(user))).body).toEqual({ parameter: beta, service: beta });
      expect((await get('/scoped', as(user))).body).toEqual({ parameter: beta, injected: beta, user });
      expect((await get('/intercepted', as(user))).body).toEqual({ beta });
      expect(await get('/failing', as(user))).toEqual({ status: 418, body: { beta } });
      expect((await get('/details', as(user))).body).toMatchObject({ value: beta });
    }
  });

  it('survives the parser of a body that arrives slowly', async () => {
    const { get } = await start(platform, context);
    const text = JSON.stringify({ text: 'x'.repeat(90_000) });
    for (const user of ['ada', 'bob']) {
      const parts = async function* () {
        for (let begin = 0; begin < text.length; begin += 30_000) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          yield Buffer.from(text.slice(begin, begin + 30_000));
        }
      };
      const headers = { 'x-user': user, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: ReadableStream.from(parts()), duplex: 'half' };
      const { status, body } = await get('/body', init as RequestInit);
      expect({ status, body }).toEqual({ status: 201, body: { length: 90_000, service: user === 'ada' } });
    }
  });

  it('is computed at the first use, once', async () => {
    const factory = vi.fn(context);
    const { get } = await start(platform, factory);
    await get('/unused', as('ada'));
    expect(factory).not.toHaveBeenCalled();
    await get('/service', as('ada'));
    expect(factory).toHaveBeenCalledOnce();
  });

  it('may be asynchronous, once something has awaited it', async () => {
    const factory = vi.fn(async (call: ExecutionContext) => {
      await pause();
      return context(call);
    });
    const { get } = await start(platform, factory);
    expect((await get('/service', as('ada'))).body).toEqual({ parameter: true, service: true });
    expect((await get('/awaited', as('ada'))).body).toEqual({ userId: 'ada', service: true });
    expect(factory).toHaveBeenCalledTimes(2);
    expect((await get('/only-service', as('ada'))).status).toBe(500);
  });

  it('is replaced inside of runWithContext and @WithConfigContext only', async () => {
    const { get } = await start(platform, context);
    expect((await get('/job', as('bob'))).body).toEqual({
      inside: true,
      decorated: ['ada', 1, true],
      after: false,
    });
  });

  it('is open before middleware of the application', async () => {
    const seen: boolean[] = [];
    const { get } = await startApp(
      { imports: [SmooConfigModule.forRoot({ client, context }), ReadModule] },
      {
        platform,
        prepare: (app) => {
          const service = app.get<SmooConfigService>(SmooConfigService);
          app.use((_request: unknown, _response: unknown, next: () => void) => {
            seen.push(service.flag('beta'));
            next();
          });
        },
      },
    );
    await get('/unused', as('ada'));
    await get('/unused', as('bob'));
    expect(seen).toEqual([true, false]);
  });
});

describe('without a call', () => {
  it('reads anonymously, and never for a request that started the work', async () => {
    const { app } = await start('express', context);
    expect(await app.get(Deep).read()).toBe(false);
    await expect(app.get<SmooConfigService>(SmooConfigService).context()).resolves.toEqual({});
    expect(app.get<SmooConfigService>(SmooConfigService).flag('beta', { userId: 'ada' })).toBe(true);
  });

  it('names the remedy when an asynchronous context has not been awaited', async () => {
    const { app } = await start('express', async (call) => context(call));
    const { callOf, runInCall } = await import('./config-call.ts');
    const { ExecutionContextHost } = await import('@nestjs/core/helpers/execution-context-host.js');
    const call = callOf(new ExecutionContextHost([{ headers: { 'x-user': 'ada' } }]));
    runInCall(call, () => {
      expect(() => app.get<SmooConfigService>(SmooConfigService).flag('beta')).toThrow(
        /Await SmooConfigService\.context\(\) first/,
      );
    });
  });
});

it('two running applications with the same classes keep their own instances', async () => {
  const other = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { beta: onFor('bob') } });
  const one = await start('express', context);
  const two = await startApp({ imports: [SmooConfigModule.forRoot({ client: other, context }), ReadModule] });
  for (const [{ get }, user] of [
    [one, 'ada'],
    [two, 'bob'],
  ] as const) {
    expect((await get('/service', as(user))).body).toEqual({ parameter: true, service: true });
  }
  expect((await two.get('/service', as('ada'))).body).toEqual({ parameter: false, service: false });
});

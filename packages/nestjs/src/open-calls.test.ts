import 'reflect-metadata';
import {
  type CanActivate,
  Controller,
  Inject,
  Injectable,
  Scope,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExternalContextCreator } from '@nestjs/core';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { createTestClient } from '@smooai/config/testing';
import { finalize, interval, lastValueFrom, take } from 'rxjs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type ContextFactory, Flag, requestOf, SmooConfigModule, SmooConfigService } from './index.ts';
import { MemoryTransport } from './test-support/memory-transport.ts';
import { onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { silent } from './test-support/start-app.ts';

interface Message {
  user: string;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));

let seen: [place: string, user: unknown][] = [];
let ended = 0;

beforeEach(() => {
  seen = [];
  ended = 0;
});

@Injectable()
class Reader {
  readonly config: SmooConfigService;
  constructor(@Inject(SmooConfigService) service: SmooConfigService) {
    this.config = service;
  }

  async user(): Promise<unknown> {
    await pause();
    return (await this.config.context()).userId;
  }
}

@Injectable()
class ReadingGuard implements CanActivate {
  readonly reader: Reader;
  constructor(@Inject(Reader) reader: Reader) {
    this.reader = reader;
  }

  async canActivate(): Promise<boolean> {
    seen.push(['guard', await this.reader.user()]);
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {}

@Controller()
class ReadController {
  readonly reader: Reader;
  constructor(@Inject(Reader) reader: Reader) {
    this.reader = reader;
  }

  @MessagePattern('read')
  async read(@Flag('beta') beta: boolean) {
    return { beta, user: await this.reader.user() };
  }

  @MessagePattern('guarded')
  @UseGuards(ReadingGuard)
  guarded() {}
}

@Controller()
class PlainController {
  @MessagePattern('forever')
  forever() {
    return interval(1).pipe(finalize(() => (ended += 1)));
  }
}

@Controller()
class ScopedListener {
  constructor(@Inject(PerMessage) readonly provider: PerMessage) {}

  @EventPattern('event')
  first(_data: unknown) {}
}

@Controller()
@UseGuards(ReadingGuard)
class Listener {
  @EventPattern('event')
  second(_data: unknown) {}
}

async function start(context: ContextFactory | undefined, controllers: Type[]): Promise<MemoryTransport> {
  const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { beta: onFor('ada') } });
  const imports = context === undefined ? [] : [SmooConfigModule.forRoot({ client, context })];
  const providers = context === undefined ? [] : [Reader, PerMessage];
  const strategy = new MemoryTransport();
  const module = await Test.createTestingModule({ imports, controllers, providers })
    .setLogger(silent)
    .compile();
  const app = module.createNestMicroservice({ strategy, logger: false });
  onTestFinished(() => app.close());
  await app.listen();
  return strategy;
}

const byData: ContextFactory = (call) => ({ userId: call.switchToRpc().getData<Message>().user });
const byContext: ContextFactory = (call) => ({ userId: String(requestOf<Message & object>(call).user) });
const result = (user: string) => ({ beta: user === 'ada', user });
const USERS = ['ada', 'bob', 'ada', 'eve', 'bob'];

it('messages have contexts of their own if the transport gives all of them one object', async () => {
  const transport = await start(byData, [ReadController]);
  const connection = {};
  const send = (user: string) => transport.deliver('read', { user }, connection);
  expect(await Promise.all(USERS.map(send))).toEqual(USERS.map(result));
  await Promise.all(USERS.map((user) => transport.deliver('guarded', { user }, connection)));
  expect(seen.map(([, user]) => String(user)).sort()).toEqual([...USERS].sort());
});

it.each([[[ScopedListener, Listener]], [[Listener, ScopedListener]]])(
  'all handlers of an event have its context if one is request-scoped (%#)',
  async (controllers) => {
    const transport = await start(byContext, controllers);
    await transport.deliver('event', { user: 'ada' }, { user: 'bob' });
    expect(seen).toEqual([['guard', 'bob']]);
  },
);

it('two applications with one controller each see their own context, also after one has closed', async () => {
  const [one, two] = await Promise.all(
    ['ada', 'bob'].map((userId) => start(() => ({ userId }), [ReadController])),
  );
  expect(await one?.deliver('read', {}, {})).toEqual(result('ada'));
  expect(await two?.deliver('read', {}, {})).toEqual(result('bob'));
  const three = await start(() => ({ userId: 'eve' }), [ReadController]);
  expect(await two?.deliver('read', {}, {})).toEqual(result('bob'));
  expect(await three.deliver('read', {}, {})).toEqual(result('eve'));
});

it.each([['with'], ['without']])(
  'ends an endless stream with its subscriber, %s a configuration',
  async (kind) => {
    // The second application has a handler that the first one has prepared.
    const first = await start(byData, [PlainController]);
    const transport = kind === 'with' ? first : await start(undefined, [PlainController]);
    const stream = await transport.stream('forever', {}, {});
    expect(await lastValueFrom(stream.pipe(take(3)))).toBe(2);
    expect(ended).toBe(1);
  },
);

it('calls of another library have contexts of their own if they share an argument', async () => {
  const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { beta: onFor('ada') } });
  const context: ContextFactory = (call) => ({ userId: call.getArgByIndex<Message>(0).user });
  const module = await Test.createTestingModule({
    imports: [SmooConfigModule.forRoot({ client, context })],
    providers: [Reader, ReadController],
  }).compile();
  onTestFinished(() => module.close());
  const controller = module.get(ReadController);
  const run = module
    .get(ExternalContextCreator)
    .create(
      controller as unknown as Record<string, unknown>,
      Object.getOwnPropertyDescriptor(ReadController.prototype, 'read')?.value as () => unknown,
      'read',
      ROUTE_ARGS_METADATA,
      { exchangeKeyForValue: () => undefined },
      undefined,
      undefined,
      undefined,
      'discord',
    );
  const command = {};
  expect(await Promise.all(USERS.map((user) => run({ user }, command)))).toEqual(USERS.map(result));
});

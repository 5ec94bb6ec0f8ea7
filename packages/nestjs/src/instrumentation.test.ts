import 'reflect-metadata';
import { Controller, Get, Inject } from '@nestjs/common';
import type { ConfigClient, ConfigTracer } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { expect, it } from 'vitest';
import {
  Flag,
  InjectConfigClient,
  InjectSecret,
  type LiveValue,
  OnConfigChange,
  RequireFlag,
  SmooConfigModule,
  SmooConfigService,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

@Controller()
class ShopController {
  readonly changes: string[] = [];
  readonly client: ConfigClient;
  readonly service: SmooConfigService;
  readonly key: LiveValue<string>;

  constructor(
    @InjectConfigClient() client: ConfigClient,
    @Inject(SmooConfigService) service: SmooConfigService,
    @InjectSecret('paymentKey') key: LiveValue<string>,
  ) {
    this.client = client;
    this.service = service;
    this.key = key;
  }

  @Get('shop')
  @RequireFlag('newCheckout')
  shop(@Flag('theme') theme: string) {
    const { status } = this.client.health();
    return { theme, status, service: this.service.flag('theme'), key: this.key.value, changes: this.changes };
  }

  @OnConfigChange('flags.theme')
  changed(paths: string[]) {
    this.changes.push(...paths);
  }
}

/** Wraps all that Nest provides, as an instrumentation that counts calls does. */
function proxied<Instance>(instance: Instance): Instance {
  if (typeof instance !== 'object' || instance === null) return instance;
  return new Proxy(instance, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function' || property === 'constructor') return value;
      return function (this: unknown, ...args: unknown[]) {
        return value.apply(this, args);
      };
    },
  });
}

it('works when NestFactory wraps every instance in a proxy', async () => {
  const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { newCheckout: true } });
  const { app, get } = await startApp(
    { imports: [SmooConfigModule.forRoot({ client })], controllers: [ShopController] },
    { application: { instrument: { instanceDecorator: proxied } } },
  );
  const body = { theme: 'light', status: 'ready', service: 'light', key: 'k' };
  expect(await get('/shop')).toEqual({ status: 200, body: { ...body, changes: [] } });
  client.set({ flags: { theme: 'dark' } });
  expect((await get('/shop')).body).toEqual({
    ...body,
    theme: 'dark',
    service: 'dark',
    changes: ['flags.theme'],
  });
  await app.close();
});

it('reports each computation of a context as a span, without the context', async () => {
  const spans: { name: string; isEnded: boolean; attributes: unknown[] }[] = [];
  const tracer: ConfigTracer = {
    startSpan: (name) => {
      const span = { name, isEnded: false, attributes: [] as unknown[] };
      spans.push(span);
      return {
        setStatus: (status) => span.attributes.push(status),
        setAttribute: (key, value) => span.attributes.push([key, value]),
        addEvent: () => undefined,
        end: () => {
          span.isEnded = true;
        },
      };
    },
  };
  const client = createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { newCheckout: true } });
  let context: () => { userId: string } | Promise<{ userId: string }> = () => ({ userId: 'ada' });
  const { get } = await startApp({
    imports: [SmooConfigModule.forRoot({ client, context: () => context(), telemetry: { tracer } })],
    controllers: [ShopController],
  });
  await get('/shop');
  context = () => Promise.reject(new TypeError('not for ada'));
  expect((await get('/shop')).status).toBe(500);
  expect(spans).toEqual([
    { name: 'config context', isEnded: true, attributes: [] },
    { name: 'config context', isEnded: true, attributes: [['error.type', 'TypeError'], { code: 2 }] },
  ]);
});

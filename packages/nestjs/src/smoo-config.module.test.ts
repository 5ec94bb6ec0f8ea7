import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { isConfigError } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { createTestClient, type TestClient } from '@smooai/config/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CONFIG_CLIENT,
  InjectConfigClient,
  SmooConfigHealthIndicator,
  SmooConfigModule,
  type SmooConfigOptions,
  type SmooConfigOptionsFactory,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

const SETTINGS = {
  apiUrl: 'http://127.0.0.1:1',
  authUrl: 'http://127.0.0.1:1',
  clientId: 'client',
  clientSecret: 'very-secret-text',
  organizationId: 'org',
  environment: 'test',
};

function testClient(): TestClient<typeof config> {
  return createTestClient({ config, secrets: { paymentKey: 'k-1' } });
}

@Controller()
class EmailController {
  readonly #client: ConfigClient;

  constructor(@InjectConfigClient() client: ConfigClient) {
    this.#client = client;
  }

  @Get('email')
  email(): { email: string } {
    return { email: this.#client.public('supportEmail') };
  }
}

@Module({ controllers: [EmailController] })
class EmailModule {}

describe('forRoot', () => {
  it('provides the client to every module, without an import', async () => {
    const client = testClient();
    const { get } = await startApp({ imports: [SmooConfigModule.forRoot({ client }), EmailModule] });
    expect(await get('/email')).toEqual({ status: 200, body: { email: 'help@shop.example' } });
    client.set({ public: { supportEmail: 'hello@shop.example' } });
    expect((await get('/email')).body).toEqual({ email: 'hello@shop.example' });
  });

  it('provides the client only to importing modules if global is false', async () => {
    const imports = [SmooConfigModule.forRoot({ client: testClient(), global: false }), EmailModule];
    await expect(Test.createTestingModule({ imports }).setLogger(silent).compile()).rejects.toThrow(
      /CONFIG_CLIENT/,
    );
  });

  it('fails to start with the names of all missing settings', async () => {
    const blank = { apiUrl: '', clientId: '', clientSecret: '', organizationId: '' };
    const start = Test.createTestingModule({ imports: [SmooConfigModule.forRoot({ config, ...blank })] })
      .setLogger(silent)
      .compile();
    await expect(start).rejects.toThrow(
      /SMOOAI_CONFIG_API_URL.*SMOOAI_CONFIG_CLIENT_ID.*SMOOAI_CONFIG_CLIENT_SECRET.*SMOOAI_CONFIG_ORG_ID/,
    );
  });

  it('fails to start with the names of all missing values', async () => {
    const client = createTestClient({ config });
    const start = Test.createTestingModule({ imports: [SmooConfigModule.forRoot({ client })] })
      .setLogger(silent)
      .compile();
    await expect(start).rejects.toThrow(/paymentKey/);
  });

  it('waits for the server no longer than readyTimeoutMs, and keeps the secret out of the error', async () => {
    const hang: typeof fetch = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      });
    const error = await Test.createTestingModule({
      imports: [SmooConfigModule.forRoot({ config, ...SETTINGS, fetch: hang, readyTimeoutMs: 50 })],
    })
      .setLogger(silent)
      .compile()
      .catch((reason: unknown) => reason);
    expect(isConfigError(error, 'ERR_READY_TIMEOUT')).toBe(true);
    expect(String(error)).toContain('within 50 ms');
    expect(String(error)).not.toContain('very-secret-text');
  });

  it('starts from the last good values if asked to, and is then up, but not live', async () => {
    const refuse: typeof fetch = () => Promise.reject(new TypeError('refused'));
    const { app, get } = await startApp({
      imports: [
        SmooConfigModule.forRoot({
          config,
          ...SETTINGS,
          fetch: refuse,
          readyTimeoutMs: 50,
          fallback: 'cached',
          bundled: { defaults: { secrets: { paymentKey: 'bundled' } } },
        }),
        EmailModule,
      ],
    });
    expect((await get('/email')).status).toBe(200);
    expect(app.get<ConfigClient>(CONFIG_CLIENT).secret('paymentKey')).toBe('bundled');
    const indicator = app.get(SmooConfigHealthIndicator);
    expect(indicator.isHealthy('config')).toMatchObject({ config: { status: 'up', state: 'stale' } });
    expect(indicator.isHealthy('config', { live: true })).toMatchObject({ config: { status: 'down' } });
  });

  it('allows a provider to read values in its constructor', async () => {
    @Injectable()
    class Payments {
      readonly keyLength: number;
      constructor(@InjectConfigClient() client: ConfigClient) {
        this.keyLength = client.secret('paymentKey').length;
      }
    }
    const { app } = await startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      providers: [Payments],
    });
    expect(app.get(Payments).keyLength).toBe(3);
  });

  it('does not close a client that was passed in', async () => {
    const client = testClient();
    const { app } = await startApp({ imports: [SmooConfigModule.forRoot({ client })] });
    await app.close();
    expect(client.health().status).toBe('ready');
  });

  it('uses a client that a test overrides, and does not close it', async () => {
    const client = testClient();
    const module = await Test.createTestingModule({
      imports: [SmooConfigModule.forRoot({ config, ...SETTINGS }), EmailModule],
    })
      .overrideProvider(CONFIG_CLIENT)
      .useValue(client)
      .compile();
    onTestFinished(() => module.close());
    expect(module.get(CONFIG_CLIENT)).toBe(client);
    await module.close();
    expect(client.health().status).toBe('ready');
  });
});

describe('forRootAsync', () => {
  const client = testClient();

  @Injectable()
  class Options implements SmooConfigOptionsFactory<typeof config> {
    createConfigOptions(): SmooConfigOptions<typeof config> {
      return { client };
    }
  }

  @Module({
    providers: [Options, { provide: 'SETTINGS', useValue: { client } }],
    exports: [Options, 'SETTINGS'],
  })
  class OptionsModule {}

  const useFactory = (settings: { client: TestClient<typeof config> }) => Promise.resolve(settings);
  it.each([
    ['useFactory', { imports: [OptionsModule], inject: ['SETTINGS'], useFactory }],
    ['useClass', { useClass: Options }],
    ['useExisting', { imports: [OptionsModule], useExisting: Options }],
  ])('takes the options from %s', async (_name, options) => {
    const { app, get } = await startApp({ imports: [SmooConfigModule.forRootAsync(options), EmailModule] });
    expect(app.get(CONFIG_CLIENT)).toBe(client);
    expect((await get('/email')).status).toBe(200);
  });

  it('provides the client only to importing modules if global is false', async () => {
    const module = SmooConfigModule.forRootAsync({ useFactory: () => ({ client }), global: false });
    const start = Test.createTestingModule({ imports: [module, EmailModule] })
      .setLogger(silent)
      .compile();
    await expect(start).rejects.toThrow(/CONFIG_CLIENT/);
  });

  it('throws unless exactly one way of creating the options is given', () => {
    const create = () => ({ client });
    expect(() => SmooConfigModule.forRootAsync({})).toThrow(/exactly one of "useFactory"/);
    expect(() => SmooConfigModule.forRootAsync({ useFactory: create, useClass: Options })).toThrow(
      /exactly one/,
    );
  });
});

const silent = { log() {}, error() {}, warn() {}, debug() {}, verbose() {} };

import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { defineConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  configDecorators,
  getConfigClientToken,
  InjectConfigClient,
  InjectConfigService,
  type LiveValue,
  SmooConfigModule,
  SmooConfigService,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { silent, startApp } from './test-support/start-app.ts';

const shop = (theme: 'light' | 'dark') =>
  createTestClient({ config, secrets: { paymentKey: 'k' }, flags: { theme } });

function moduleWith(theme: 'light' | 'dark') {
  @Injectable()
  class Reader {
    readonly theme: string;
    constructor(@InjectConfigClient() client: ConfigClient) {
      this.theme = client.flag('theme');
    }
  }
  @Module({
    imports: [SmooConfigModule.forRoot({ client: shop(theme), global: false })],
    providers: [Reader],
  })
  class ReadingModule {}
  return { Reader, ReadingModule };
}

const compile = (imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) =>
  Test.createTestingModule({ imports }).setLogger(silent).compile();

describe('several registrations', () => {
  it.each(['reference', 'deep-hash'] as const)('stay apart in two modules, with %s', async (algorithm) => {
    const light = moduleWith('light');
    const dark = moduleWith('dark');
    const { app } = await startApp(
      { imports: [light.ReadingModule, dark.ReadingModule] },
      { application: { moduleIdGeneratorAlgorithm: algorithm } },
    );
    expect([app.get(light.Reader).theme, app.get(dark.Reader).theme]).toEqual(['light', 'dark']);
  });

  it.each(['reference', 'deep-hash'] as const)(
    'are one if they are the same object, with %s',
    async (algorithm) => {
      const registration = SmooConfigModule.forRoot({ client: shop('dark') });
      @Module({ imports: [registration] })
      class OneModule {}
      @Module({ imports: [registration] })
      class OtherModule {}
      const { app } = await startApp(
        { imports: [OneModule, OtherModule] },
        { application: { moduleIdGeneratorAlgorithm: algorithm } },
      );
      expect(app.get<SmooConfigService>(SmooConfigService).flag('theme')).toBe('dark');
    },
  );

  it('with the same name end the start, if both are global', async () => {
    @Module({ imports: [SmooConfigModule.forRoot({ client: shop('dark') })] })
    class OtherModule {}
    const start = compile([SmooConfigModule.forRoot({ client: shop('light') }), OtherModule]);
    await expect(start).rejects.toThrow(/registered twice as "default".*another "name"/);
    await expect(start).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
  });

  it('with the same name end the start, if one module imports both', async () => {
    const registrations = [shop('light'), shop('dark')].map((client) =>
      SmooConfigModule.forRoot({ client, global: false, name: 'shop' }),
    );
    await expect(compile(registrations)).rejects.toThrow(/registered twice as "shop"/);
  });
});

describe('a named instance', () => {
  const billingConfig = defineConfig({
    public: { currency: z.enum(['EUR', 'USD']).default('EUR') },
    secrets: { bankKey: z.string() },
    flags: { invoices: z.boolean().default(false) },
  });
  type Billing = typeof billingConfig;
  const billing = configDecorators<Billing>('billing');
  const client = createTestClient({ config: billingConfig, secrets: { bankKey: 'b-1' } });

  @Controller('billing')
  class BillingController {
    readonly #client: ConfigClient<Billing>;
    readonly #service: SmooConfigService<Billing>;
    readonly #key: LiveValue<string>;
    readonly changes: string[] = [];

    constructor(
      @InjectConfigClient('billing') billingClient: ConfigClient<Billing>,
      @InjectConfigService('billing') service: SmooConfigService<Billing>,
      @billing.InjectSecret('bankKey') key: LiveValue<string>,
    ) {
      this.#client = billingClient;
      this.#service = service;
      this.#key = key;
    }

    @Get()
    read(@billing.Flag('invoices') invoices: boolean, @billing.Public('currency') currency: string) {
      const service = this.#service.flag('invoices', { userId: 'u' });
      return { invoices, currency, service, secret: this.#client.secret('bankKey'), live: this.#key.value };
    }

    @Get('guarded')
    @billing.RequireFlag('invoices')
    guarded() {
      return { ok: true };
    }

    @billing.OnConfigChange('flags.invoices', 'secrets.bankKey')
    changed(paths: string[]) {
      this.changes.push(...paths);
    }
  }

  it('is injected, guards and is followed by its name, beside the default one', async () => {
    const { app, get } = await startApp({
      imports: [
        SmooConfigModule.forRoot({ client: shop('dark') }),
        SmooConfigModule.forRoot({ name: 'billing', client }),
      ],
      controllers: [BillingController],
    });
    expect(app.get(getConfigClientToken('billing'))).toBe(client);
    expect((await get('/billing')).body).toEqual({
      invoices: false,
      currency: 'EUR',
      service: false,
      secret: 'b-1',
      live: 'b-1',
    });
    expect((await get('/billing/guarded')).status).toBe(404);
    client.set({ flags: { invoices: true }, secrets: { bankKey: 'b-2' } });
    expect((await get('/billing/guarded')).status).toBe(200);
    expect((await get('/billing')).body).toMatchObject({ invoices: true, live: 'b-2' });
    expect(app.get(BillingController).changes.sort()).toEqual(['flags.invoices', 'secrets.bankKey']);
  });

  it('that no module registers ends the start', async () => {
    @Controller()
    class LostController {
      @Get()
      read(@billing.Flag('invoices') invoices: boolean) {
        return invoices;
      }
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: shop('light') })],
      controllers: [LostController],
    });
    await expect(start).rejects.toThrow(
      '@Flag("invoices") on LostController sees no SmooConfigModule named "billing". Import one in its module',
    );
  });
});

it('a class in two modules that see different instances ends the start', async () => {
  const { Flag } = await import('./index.ts');
  @Controller()
  class SharedController {
    @Get()
    read(@Flag('theme') theme: string) {
      return theme;
    }
  }
  const moduleOf = (theme: 'light' | 'dark') => {
    @Module({
      imports: [SmooConfigModule.forRoot({ client: shop(theme), global: false })],
      controllers: [SharedController],
    })
    class OneModule {}
    return OneModule;
  };
  await expect(startApp({ imports: [moduleOf('light'), moduleOf('dark')] })).rejects.toThrow(
    /SharedController is in several modules that import different SmooConfigModules/,
  );
});

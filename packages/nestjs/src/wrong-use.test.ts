import 'reflect-metadata';
import { Controller, Get, Injectable, Logger, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CONFIG_CLIENT,
  Flag,
  FlagDetails,
  InjectSecret,
  Limit,
  OnConfigChange,
  Public,
  RequireFlag,
  SmooConfigModule,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { silent, startApp } from './test-support/start-app.ts';
import { overrideConfig, SmooConfigTestingModule } from './testing.ts';

afterEach(() => vi.restoreAllMocks());

const testClient = () => createTestClient({ config, secrets: { paymentKey: 'k' } });
const compile = (metadata: ModuleMetadata) => Test.createTestingModule(metadata).setLogger(silent).compile();

describe('options that the types do not allow', () => {
  it.each([
    ['no object', undefined, /forRoot: pass an object/],
    ['a name that is not a string', { client: testClient(), name: 5 }, /"name" must be a non-empty string/],
    ['an empty name', { client: testClient(), name: '' }, /"name" must be a non-empty string/],
    ['no client', { client: undefined }, /"client" must be what createConfigClient/],
    ['the promise of a client', { client: Promise.resolve(testClient()) }, /Await it first/],
    [
      'a context that is not a function',
      { client: testClient(), context: {} },
      /"context" must be a function/,
    ],
  ])('end the start of forRoot: %s', async (_, options, message) => {
    const start = async () => compile({ imports: [SmooConfigModule.forRoot(options as never)] });
    await expect(start()).rejects.toMatchObject({
      name: 'OptionsError',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each([
    ['no object', undefined, /forRootAsync: pass an object/],
    [
      'a factory without a result',
      { useFactory: () => undefined },
      /must be an object with "config" or "client"/,
    ],
    ['a class without the method', { useClass: class {} }, /must have a method createConfigOptions/],
  ])('end the start of forRootAsync: %s', async (_, options, message) => {
    const start = async () => compile({ imports: [SmooConfigModule.forRootAsync(options as never)] });
    await expect(start()).rejects.toMatchObject({
      name: 'OptionsError',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('decorators on wrong targets', () => {
  it('@Flag on a constructor', () => {
    const decorate = () => {
      class Wrong {
        constructor(@Flag('beta') readonly beta: boolean) {}
      }
      return Wrong;
    };
    expect(decorate).toThrow(/@Flag\("beta"\) is on a constructor of Wrong.*inject SmooConfigService/);
  });

  it('@InjectSecret on the parameter of a method', () => {
    const decorate = () => {
      class Wrong {
        pay(@InjectSecret('paymentKey') _key: string) {}
      }
      return Wrong;
    };
    expect(decorate).toThrow(/@InjectSecret\("paymentKey"\) is on a parameter of Wrong.pay/);
  });

  it('@OnConfigChange on a static method', () => {
    const decorate = () => {
      class Wrong {
        readonly isInstance = true;
        @OnConfigChange('flags.beta')
        static refresh() {}
      }
      return Wrong;
    };
    expect(decorate).toThrow(/static method Wrong.refresh/);
  });
});

describe('a key that the schema does not have', () => {
  it.each([
    ['@Flag', Flag('cartItems' as never), 'flags'],
    ['@FlagDetails', FlagDetails('unknown' as never), 'flags'],
    ['@Limit', Limit('beta' as never), 'limits'],
    ['@Public', Public('paymentKey' as never), 'public'],
  ])('ends the start for %s', async (label, decorator, group) => {
    @Controller()
    class Wrong {
      @Get()
      read(_value: unknown) {}
    }
    decorator(Wrong.prototype, 'read', 0);
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      controllers: [Wrong],
    });
    await expect(start).rejects.toMatchObject({
      name: 'UnknownKeyError',
      message: expect.stringMatching(`^${label}\\(.*on Wrong.read: .* under "${group}"`) as string,
    });
  });

  it('is logged for @RequireFlag, which refuses every call', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    @Controller()
    class Wrong {
      @Get()
      @RequireFlag('unknown' as never)
      read() {}
    }
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      controllers: [Wrong],
    });
    expect(warn.mock.calls.flat().join()).toMatch(/@RequireFlag\("unknown"\) on Wrong refuses every call/);
    expect((await get('/')).status).toBe(404);
  });
});

describe('SmooConfigTestingModule', () => {
  const values = (name?: string) =>
    SmooConfigTestingModule.forRoot<typeof config>({
      secrets: { paymentKey: 'k' },
      ...(name !== undefined && { name }),
    });

  it('logs a name that the application does not have', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const imports = [SmooConfigModule.forRoot({ client: testClient() }), values('biling')];
    await (await compile({ imports })).close();
    expect(warn.mock.calls.flat().join()).toMatch(/has values for "biling".*no SmooConfigModule/);
  });

  it('ends the start if one name has values twice', async () => {
    const imports = [SmooConfigModule.forRoot({ config }), values(), values()];
    await expect(compile({ imports })).rejects.toThrow(/is imported twice for "default"/);
  });

  it('may be imported by several modules', async () => {
    const shared = values();
    @Injectable()
    class Service {}
    class Inner {}
    const imports = [
      SmooConfigModule.forRoot({ config }),
      shared,
      { module: Inner, imports: [shared], providers: [Service] },
    ];
    const module = await compile({ imports });
    await module.close();
  });

  it('leaves no override behind if a later one is wrong', async () => {
    const { app } = await startApp({ imports: [SmooConfigModule.forRoot({ config }), values()] });
    const client = app.get<ReturnType<typeof testClient>>(CONFIG_CLIENT);
    const wrong = () =>
      overrideConfig(app)
        .flag('beta', true)
        .limit('cartItems', 'many' as never);
    expect(wrong).toThrow(/cartItems/);
    expect(client.flag('beta', {})).toBe(false);
  });
});

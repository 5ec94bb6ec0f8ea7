import 'reflect-metadata';
import { Controller, Get, Injectable } from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import {
  Flag,
  FlagDetails,
  InjectPublic,
  InjectSecret,
  Limit,
  LiveValue,
  Public,
  SmooConfigModule,
} from './index.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';

const testClient = () => createTestClient({ config, secrets: { paymentKey: 'k-1' } });

describe('@InjectPublic and @InjectSecret', () => {
  @Injectable()
  class Payments {
    readonly key: LiveValue<string>;
    readonly email: string;

    @InjectPublic('supportEmail')
    readonly liveEmail!: LiveValue<string>;

    constructor(
      @InjectSecret('paymentKey') key: LiveValue<string>,
      @InjectPublic('supportEmail', { plain: true }) email: string,
    ) {
      this.key = key;
      this.email = email;
    }
  }

  it.each([
    ['forRoot', (client: ReturnType<typeof testClient>) => SmooConfigModule.forRoot({ client })],
    [
      'forRootAsync',
      (client: ReturnType<typeof testClient>) =>
        SmooConfigModule.forRootAsync({ useFactory: () => ({ client }) }),
    ],
  ])('inject a live reference, or the value itself, with %s', async (_, moduleOf) => {
    const client = testClient();
    const { app } = await startApp({ imports: [moduleOf(client)], providers: [Payments] });
    const payments = app.get(Payments);
    expect(payments.key).toBeInstanceOf(LiveValue);
    expect([payments.key.value, payments.email, payments.liveEmail.value]).toEqual([
      'k-1',
      'help@shop.example',
      'help@shop.example',
    ]);
    const seen: string[] = [];
    const unsubscribe = payments.key.onChange((value) => seen.push(value));
    client.set({ secrets: { paymentKey: 'k-2' }, public: { supportEmail: 'new@shop.example' } });
    expect([payments.key.value, payments.email, payments.liveEmail.value]).toEqual([
      'k-2',
      'help@shop.example',
      'new@shop.example',
    ]);
    unsubscribe();
    client.set({ secrets: { paymentKey: 'k-3' } });
    expect(seen).toEqual(['k-2']);
    expect(JSON.stringify(payments.key)).toBe('{}');
  });

  it('end the start for a key that the schema does not have', async () => {
    @Injectable()
    class Wrong {
      @InjectSecret('paymentKee' as never, { plain: true })
      readonly key!: string;
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      providers: [Wrong],
    });
    await expect(start).rejects.toThrow(/paymentKee/);
    // It is not asked of another application.
    await startApp({ imports: [SmooConfigModule.forRoot({ client: testClient() })] });
  });
});

describe('a type that the compiler emits', () => {
  /** What TypeScript does with `emitDecoratorMetadata`, which the compiler of these tests does not have. */
  const emitted = (...types: unknown[]) =>
    Reflect.metadata('design:paramtypes', types) as MethodDecorator & ClassDecorator;

  @Controller('right')
  class RightController {
    @Get()
    @emitted(String, Boolean, Number, Object, String)
    read(
      @Flag('theme') theme: string,
      @Flag('beta') beta: boolean,
      @Limit('cartItems') limit: number,
      @FlagDetails('theme') details: object,
      @Public('supportEmail') email: string,
    ) {
      return { theme, beta, limit, details, email };
    }
  }

  it('may be right', async () => {
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      controllers: [RightController],
    });
    expect((await get('/right')).body).toMatchObject({
      theme: 'light',
      beta: false,
      limit: 20,
      email: 'help@shop.example',
    });
  });

  it.each([
    ['@Flag("theme")', Flag('theme'), Number, 'a string, but is declared as a number'],
    ['@Flag("beta")', Flag('beta'), String, 'a boolean, but is declared as a string'],
    ['@Limit("cartItems")', Limit('cartItems'), Boolean, 'a number, but is declared as a boolean'],
    ['@FlagDetails("beta")', FlagDetails('beta'), Boolean, 'an object, but is declared as a boolean'],
    ['@Public("supportEmail")', Public('supportEmail'), Number, 'a string, but is declared as a number'],
  ])('ends the start if it is wrong: %s', async (label, decorate, type, problem) => {
    @Controller('wrong')
    class WrongController {
      @Get()
      @emitted(type)
      read(@decorate value: unknown) {
        return value;
      }
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      controllers: [WrongController],
    });
    await expect(start).rejects.toThrow(`${label} on WrongController.read injects ${problem}`);
  });

  it('ends the start if a live reference is declared as the value', async () => {
    @Injectable()
    @emitted(String)
    class Wrong {
      readonly key: string;
      constructor(@InjectSecret('paymentKey') key: string) {
        this.key = key;
      }
    }
    const start = startApp({
      imports: [SmooConfigModule.forRoot({ client: testClient() })],
      providers: [Wrong],
    });
    await expect(start).rejects.toThrow(
      '@InjectSecret("paymentKey") on Wrong injects an object, but is declared as a string',
    );
  });
});

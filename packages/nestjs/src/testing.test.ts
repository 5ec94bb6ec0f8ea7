import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { Flag, Limit, Public, RequireFlag, requestOf, SmooConfigModule } from './index.ts';
import { as, onFor } from './test-support/on-for.ts';
import { config } from './test-support/shop-config.ts';
import { startApp } from './test-support/start-app.ts';
import { overrideConfig, SmooConfigTestingModule } from './testing.ts';

@Controller()
class ShopController {
  @Get('shop')
  shop(
    @Flag('beta') beta: boolean,
    @Limit('cartItems') cartItems: number,
    @Public('supportEmail') email: string,
  ) {
    return { beta, cartItems, email };
  }

  @Get('checkout')
  @RequireFlag('newCheckout')
  checkout() {
    return { ok: true };
  }
}

/** An application that would connect to a server, which does not exist. */
@Module({
  imports: [
    SmooConfigModule.forRoot({
      config,
      apiUrl: 'http://127.0.0.1:1',
      context: (call) => ({ userId: requestOf(call).headers?.['x-user'] as string }),
    }),
  ],
  controllers: [ShopController],
})
class AppModule {}

const start = () =>
  startApp({
    imports: [
      AppModule,
      SmooConfigTestingModule.forRoot<typeof config>({
        secrets: { paymentKey: 'k' },
        flags: { beta: onFor('ada') },
      }),
    ],
  });

describe('SmooConfigTestingModule', () => {
  it("gives the application's own module its values, with the application's context", async () => {
    const { get } = await start();
    expect((await get('/shop', as('ada'))).body).toEqual({
      beta: true,
      cartItems: 20,
      email: 'help@shop.example',
    });
    expect((await get('/shop', as('bob'))).body).toMatchObject({ beta: false });
  });

  it('takes only the values of its own instance', async () => {
    const other = SmooConfigTestingModule.forRoot<typeof config>({ name: 'other', flags: { beta: true } });
    const client = createTestClient({ config, secrets: { paymentKey: 'k' } });
    const { get } = await startApp({
      imports: [SmooConfigModule.forRoot({ client }), other],
      controllers: [ShopController],
    });
    expect((await get('/shop')).body).toMatchObject({ beta: false });
  });
});

describe('overrideConfig', () => {
  it('overrides values until the end of a block', async () => {
    const { app, get } = await start();
    expect((await get('/checkout')).status).toBe(404);
    {
      using _override = overrideConfig<typeof config>(app)
        .flag('newCheckout', true)
        .flag('beta', onFor('bob'))
        .limit('cartItems', 500)
        .public('supportEmail', 'test@shop.example')
        .secret('paymentKey', 'k-2');
      expect((await get('/checkout')).status).toBe(200);
      expect((await get('/shop', as('bob'))).body).toEqual({
        beta: true,
        cartItems: 100,
        email: 'test@shop.example',
      });
    }
    expect((await get('/checkout')).status).toBe(404);
    expect((await get('/shop', as('bob'))).body).toMatchObject({ beta: false, cartItems: 20 });
  });

  it('overlaps in any order, and ends with restore()', async () => {
    const { app, get } = await start();
    const first = overrideConfig(app).flag('newCheckout', true);
    const second = overrideConfig(app).flag('newCheckout', false);
    expect((await get('/checkout')).status).toBe(404);
    second.restore();
    second.restore();
    expect((await get('/checkout')).status).toBe(200);
    first.restore();
    expect((await get('/checkout')).status).toBe(404);
  });

  it('names the remedy if the application has no test client', () => {
    const app = { get: () => ({}) } as never;
    expect(() => overrideConfig(app)).toThrow(/no test client. Import SmooConfigTestingModule/);
  });
});

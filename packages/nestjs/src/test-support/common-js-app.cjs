// A CommonJS application that uses the built package; apps/e2e runs it. Nest 12 is ESM only, so this requires ESM.
require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { defineConfig, defineLimit } = require('@smooai/config');
const { createTestClient } = require('@smooai/config/testing');
const { SmooConfigModule, Limit, RequireFlag } = require('@smooai/config-nestjs');
const { z } = require('zod');

const config = defineConfig({
  flags: { newCheckout: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 3 }) },
});
const client = createTestClient({ config });

// Decorators are applied by hand, because nothing compiles this file.
class CartController {
  limits(cartItems) {
    return { cartItems };
  }
}
const descriptor = Object.getOwnPropertyDescriptor(CartController.prototype, 'limits');
Limit('cartItems')(CartController.prototype, 'limits', 0);
RequireFlag('newCheckout')(CartController.prototype, 'limits', descriptor);
Get('cart')(CartController.prototype, 'limits', descriptor);
Controller()(CartController);

class AppModule {}
Module({ imports: [SmooConfigModule.forRoot({ client })], controllers: [CartController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const responses = [];
  for (const newCheckout of [false, true]) {
    client.set({ flags: { newCheckout } });
    const response = await fetch(`${await app.getUrl()}/cart`, { signal: AbortSignal.timeout(60_000) });
    responses.push({ status: response.status, body: await response.json() });
  }
  await app.close();
  const esm = await import('@smooai/config-nestjs');
  const common = require('@smooai/config-nestjs');
  process.stdout.write(JSON.stringify({ responses, sameToken: esm.CONFIG_CLIENT === common.CONFIG_CLIENT }));
}

void main();

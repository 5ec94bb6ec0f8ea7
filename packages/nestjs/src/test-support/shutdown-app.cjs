// An application with or without this package; apps/e2e ends it with a signal, and benchmarks/nestjs times that.
require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { defineConfig, defineLimit } = require('@smooai/config');
const { Flag, SmooConfigModule } = require('@smooai/config-nestjs');
const { z } = require('zod');

const isWithConfig = process.env.WITH_CONFIG === '1';
const config = defineConfig({
  flags: { newCheckout: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 3 }) },
});

class CartController {
  read(newCheckout = false) {
    return { newCheckout };
  }
}
const descriptor = Object.getOwnPropertyDescriptor(CartController.prototype, 'read');
if (isWithConfig) Flag('newCheckout')(CartController.prototype, 'read', 0);
Get()(CartController.prototype, 'read', descriptor);
Controller()(CartController);

class AppModule {}
// The settings of the server come from the environment.
const imports = isWithConfig ? [SmooConfigModule.forRoot({ config })] : [];
Module({ imports, controllers: [CartController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`${await app.getUrl()}\n`);
}

void main();

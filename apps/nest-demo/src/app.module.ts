import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { ConfigClient } from '@smooai/config/server';
import { CONFIG_CLIENT, SmooConfigModule } from '@smooai/config-nestjs';
import { config } from '@smooai-demo/demo-schema';
import { AssetsController } from './assets.controller.ts';
import { CartController } from './cart.controller.ts';
import { ChangeLog } from './change-log.ts';
import { CheckoutController } from './checkout.controller.ts';
import { CheckoutService, paymentKey } from './checkout.service.ts';
import { HealthController } from './health.controller.ts';
import { OffersController } from './offers.controller.ts';
import { PageController } from './page.controller.ts';
import { ProductsController } from './products.controller.ts';
import { StreamController } from './stream.controller.ts';
import { visitorContext } from './visitor.ts';

/** The shop's API. Its settings come from the environment; flags and limits are evaluated for each visitor. */
@Module({
  imports: [
    SmooConfigModule.forRoot({ config, context: visitorContext }),
    // The same values for a visitor from the home market.
    SmooConfigModule.forRootAsync({
      name: 'home',
      inject: [CONFIG_CLIENT],
      useFactory: (client: ConfigClient) => ({ client, context: () => ({ country: 'NL' }) }),
    }),
    TerminusModule,
  ],
  controllers: [
    AssetsController,
    CartController,
    CheckoutController,
    HealthController,
    OffersController,
    PageController,
    ProductsController,
    StreamController,
  ],
  providers: [ChangeLog, CheckoutService, paymentKey],
})
export class AppModule {}

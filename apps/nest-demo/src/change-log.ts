import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import {
  type ConfigPath,
  InjectSecret,
  type LiveValue,
  OnConfigChange,
  SmooConfigService,
  WithConfigContext,
} from '@smooai/config-nestjs';

/** Logs which parts of the shop changed while it runs, without values. */
@Injectable()
export class ChangeLog implements OnModuleDestroy {
  readonly #logger = new Logger('Shop');
  readonly #config: SmooConfigService;
  readonly #unsubscribe: () => void;

  constructor(
    @InjectSecret('paymentKey') key: LiveValue<string>,
    @Inject(SmooConfigService) config: SmooConfigService,
  ) {
    this.#config = config;
    this.#unsubscribe = key.onChange(() => this.#logger.log('The payment key was rotated.'));
  }

  @OnConfigChange('flags.newCheckout', 'flags.freeShipping', 'limits.cartItems')
  changed(paths: ConfigPath[]): void {
    this.#logger.log(`Changed: ${paths.join(', ')}.`);
  }

  /** No request calls it, so it names the visitor itself. */
  @OnConfigChange('flags.freeShipping')
  @WithConfigContext({ country: 'NL' })
  shippingChanged(): void {
    const isFree = this.#config.flag('freeShipping');
    this.#logger.log(`Shipping in the home market ${isFree ? 'is free' : 'costs money'}.`);
  }

  onModuleDestroy(): void {
    this.#unsubscribe();
  }
}

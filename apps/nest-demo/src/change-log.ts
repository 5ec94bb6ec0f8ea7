import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type ConfigPath, InjectSecret, type LiveValue, OnConfigChange } from '@smooai/config-nestjs';

/** Logs which parts of the shop changed while it runs, without values. */
@Injectable()
export class ChangeLog implements OnModuleDestroy {
  readonly #logger = new Logger('Shop');
  readonly #unsubscribe: () => void;

  constructor(@InjectSecret('paymentKey') key: LiveValue<string>) {
    this.#unsubscribe = key.onChange(() => this.#logger.log('The payment key was rotated.'));
  }

  @OnConfigChange('flags.newCheckout', 'flags.freeShipping', 'limits.cartItems')
  changed(paths: ConfigPath[]): void {
    this.#logger.log(`Changed: ${paths.join(', ')}.`);
  }

  onModuleDestroy(): void {
    this.#unsubscribe();
  }
}

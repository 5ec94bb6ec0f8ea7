import { Injectable, Logger } from '@nestjs/common';
import { type ConfigPath, OnConfigChange } from '@smooai/config-nestjs';

/** Logs which parts of the shop changed while it runs, without values. */
@Injectable()
export class ChangeLog {
  readonly #logger = new Logger('Shop');

  @OnConfigChange('flags.newCheckout', 'flags.freeShipping', 'limits.cartItems', 'secrets.paymentKey')
  changed(paths: ConfigPath[]): void {
    this.#logger.log(`Changed: ${paths.join(', ')}.`);
  }
}

import { createHmac, randomUUID } from 'node:crypto';
import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import type { ConfigClient } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';
import type { OrderLine } from './order.ts';

/** A placed order; amounts in cents. */
export interface Receipt {
  orderId: string;
  shipping: number;
  total: number;
  /** Hex HMAC-SHA-256 of `orderId:total` by the payment key, which stays here. */
  signature: string;
}

const SHIPPING_CENTS = 695;

/** Places orders. */
@Injectable()
export class CheckoutService {
  readonly #config: ConfigClient;

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  /** @throws {UnprocessableEntityException} for an order of more than `most` items. */
  place(lines: readonly OrderLine[], terms: { most: number; freeShipping: boolean }): Receipt {
    const count = lines.reduce((sum, { quantity }) => sum + quantity, 0);
    if (count > terms.most) {
      throw new UnprocessableEntityException(
        `An order holds at most ${terms.most} items; this one has ${count}.`,
      );
    }
    const orderId = `T-${randomUUID().slice(0, 8).toUpperCase()}`;
    const shipping = terms.freeShipping ? 0 : SHIPPING_CENTS;
    const total = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, shipping);
    // Read at each order, so that a rotated key is used at once.
    const signature = createHmac('sha256', this.#config.secret('paymentKey'))
      .update(`${orderId}:${total}`)
      .digest('hex');
    return { orderId, shipping, total, signature };
  }
}

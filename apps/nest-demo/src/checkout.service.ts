import { createHmac, randomUUID } from 'node:crypto';
import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import type { ConfigClient } from '@smooai/config/server';
import { InjectConfigClient } from '@smooai/config-nestjs';
import { itemCount, type OrderLine, orderTotal, shippingCost } from '@smooai-demo/demo-schema/orders';

/** A placed order. Amounts are in cents. */
export interface Receipt {
  orderId: string;
  shipping: number;
  total: number;
  /** Hex HMAC-SHA-256 of `orderId:total`, made with the payment key, which never leaves the server. */
  signature: string;
}

/** Places orders. */
@Injectable()
export class CheckoutService {
  readonly #config: ConfigClient;

  constructor(@InjectConfigClient() config: ConfigClient) {
    this.#config = config;
  }

  /** @throws {UnprocessableEntityException} for an order of more than `maxItems` items. */
  place(lines: readonly OrderLine[], terms: { maxItems: number; freeShipping: boolean }): Receipt {
    const { maxItems, freeShipping } = terms;
    const count = itemCount(lines);
    if (count > maxItems) {
      throw new UnprocessableEntityException(
        `An order can have at most ${maxItems} items; this one has ${count}.`,
      );
    }
    const orderId = `T-${randomUUID().slice(0, 8).toUpperCase()}`;
    const total = orderTotal(lines, freeShipping);
    // Read for each order, so that a rotated key is used immediately.
    const signature = createHmac('sha256', this.#config.secret('paymentKey'))
      .update(`${orderId}:${total}`)
      .digest('hex');
    return { orderId, shipping: shippingCost(freeShipping), total, signature };
  }
}

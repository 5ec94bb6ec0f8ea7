import { createHmac, createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import { Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { type Rebuilt, whenChanged } from '@smooai/config-nestjs';
import { itemCount, type OrderLine, orderTotal, shippingCost } from '@smooai-demo/demo-schema/orders';

/** A placed order. Amounts are in cents. */
export interface Receipt {
  orderId: string;
  shipping: number;
  total: number;
  /** Hex HMAC-SHA-256 of `orderId:total`, made with the payment key, which never leaves the server. */
  signature: string;
}

const PAYMENT_KEY = Symbol('payment key');

/** The key that signs receipts. It is made again when the secret is rotated. */
export const paymentKey = {
  provide: PAYMENT_KEY,
  ...whenChanged(['paymentKey'], (config) => createSecretKey(config.secret('paymentKey'), 'utf8')),
};

/** Places orders. */
@Injectable()
export class CheckoutService {
  readonly #key: Rebuilt<KeyObject>;

  constructor(@Inject(PAYMENT_KEY) key: Rebuilt<KeyObject>) {
    this.#key = key;
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
    const signature = this.#key.use((key) =>
      createHmac('sha256', key).update(`${orderId}:${total}`).digest('hex'),
    );
    return { orderId, shipping: shippingCost(freeShipping), total, signature };
  }
}

import { Body, Controller, Inject, Post } from '@nestjs/common';
import { Flag, Limit, RequireFlag } from '@smooai/config-nestjs';
import { CheckoutService, type Receipt } from './checkout.service.ts';
import { parseOrder } from './order.ts';

/** The one-step checkout; the route is not there while its flag is off. */
@Controller('checkout')
@RequireFlag('newCheckout')
export class CheckoutController {
  readonly #checkout: CheckoutService;

  constructor(@Inject(CheckoutService) checkout: CheckoutService) {
    this.#checkout = checkout;
  }

  @Post()
  place(
    @Body() body: unknown,
    @Limit('cartItems') most: number,
    @Flag('freeShipping') freeShipping: boolean,
  ): Receipt {
    return this.#checkout.place(parseOrder(body), { most, freeShipping });
  }
}

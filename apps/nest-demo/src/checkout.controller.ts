import { BadRequestException, Body, Controller, Inject, Post } from '@nestjs/common';
import { Flag, Limit, RequireFlag } from '@smooai/config-nestjs';
import { InvalidOrderError, type OrderLine, parseOrder } from '@smooai-demo/demo-schema/orders';
import { CheckoutService, type Receipt } from './checkout.service.ts';

/** The one-step checkout. The route returns 404 while its flag is off. */
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
    @Limit('cartItems') maxItems: number,
    @Flag('freeShipping') freeShipping: boolean,
  ): Receipt {
    return this.#checkout.place(orderOf(body), { maxItems, freeShipping });
  }
}

function orderOf(body: unknown): OrderLine[] {
  try {
    return parseOrder(body);
  } catch (error) {
    if (error instanceof InvalidOrderError) throw new BadRequestException(error.message);
    throw error;
  }
}

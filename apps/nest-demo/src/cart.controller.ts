import { Controller, Get } from '@nestjs/common';
import { Flag, Limit } from '@smooai/config-nestjs';

/** What a cart may hold, and what shipping it costs. */
@Controller('cart')
export class CartController {
  @Get('limits')
  limits(
    @Limit('cartItems') cartItems: number,
    @Flag('freeShipping') freeShipping: boolean,
  ): { cartItems: number; freeShipping: boolean } {
    return { cartItems, freeShipping };
  }
}

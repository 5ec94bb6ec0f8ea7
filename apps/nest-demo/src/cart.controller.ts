import { Controller, Get } from '@nestjs/common';
import type { FlagValue } from '@smooai/config';
import { Flag, Limit } from '@smooai/config-nestjs';

/** Returns how many items fit into a cart, and whether shipping is free. */
@Controller('cart')
export class CartController {
  @Get('limits')
  limits(
    @Limit('cartItems') cartItems: number,
    @Flag('freeShipping') freeShipping: FlagValue<'freeShipping'>,
  ): { cartItems: number; freeShipping: boolean } {
    return { cartItems, freeShipping };
  }
}

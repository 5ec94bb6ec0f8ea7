import { Controller, Get } from '@nestjs/common';
import {
  configDecorators,
  Flag,
  FlagDetails,
  type FlagDetailsValue,
  Limit,
  Public,
  RequireFlag,
} from '@smooai/config-nestjs';
import type { config } from '@smooai-demo/demo-schema';

/** Decorators that read for a visitor from the home market, wherever the request comes from. */
const home = configDecorators<typeof config>('home');

/** Compares what a visitor gets with the home market. */
@Controller('offers')
export class OffersController {
  @Get()
  compare(
    @FlagDetails('freeShipping') shipping: FlagDetailsValue<'freeShipping'>,
    @home.Flag('freeShipping') atHome: boolean,
    @Public('supportEmail') questions: string,
  ): { freeShipping: { here: boolean; reason: string; atHome: boolean }; questions: string } {
    return { freeShipping: { here: shipping.value, reason: shipping.source, atHome }, questions };
  }

  /** Only for visitors who may order more than the usual number of items. */
  @Get('bulk')
  @RequireFlag((config) => config.limit('cartItems') > 20, { status: 403 })
  bulk(
    @Limit('cartItems') upTo: number,
    @Flag('freeShipping') freeShipping: boolean,
  ): {
    upTo: number;
    freeShipping: boolean;
  } {
    return { upTo, freeShipping };
  }
}

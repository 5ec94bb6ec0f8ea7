import { Controller, Get, Inject } from '@nestjs/common';
import type { PublicValue } from '@smooai/config';
import { InjectPublic, type LiveValue, SmooConfigService } from '@smooai/config-nestjs';
import { type Product, products } from '@smooai-demo/demo-schema/products';

/** Returns the products and the public values. */
@Controller('products')
export class ProductsController {
  readonly #config: SmooConfigService;
  readonly #apiBaseUrl: LiveValue<PublicValue<'apiBaseUrl'>>;

  constructor(
    @Inject(SmooConfigService) config: SmooConfigService,
    @InjectPublic('apiBaseUrl') apiBaseUrl: LiveValue<PublicValue<'apiBaseUrl'>>,
  ) {
    this.#config = config;
    this.#apiBaseUrl = apiBaseUrl;
  }

  @Get()
  list(): {
    currency: 'EUR';
    supportEmail: string;
    apiBaseUrl: string;
    products: Pick<Product, 'id' | 'name' | 'note' | 'price'>[];
  } {
    return {
      currency: 'EUR',
      supportEmail: this.#config.public('supportEmail'),
      apiBaseUrl: this.#apiBaseUrl.value,
      products: products.map(({ id, name, note, price }) => ({ id, name, note, price })),
    };
  }
}

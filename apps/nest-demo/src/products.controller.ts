import { Controller, Get, Inject } from '@nestjs/common';
import { SmooConfigService } from '@smooai/config-nestjs';
import { type Product, products } from '@smooai-demo/demo-schema/products';

/** Returns the products and the public values. */
@Controller('products')
export class ProductsController {
  readonly #config: SmooConfigService;

  constructor(@Inject(SmooConfigService) config: SmooConfigService) {
    this.#config = config;
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
      apiBaseUrl: this.#config.public('apiBaseUrl'),
      products: products.map(({ id, name, note, price }) => ({ id, name, note, price })),
    };
  }
}

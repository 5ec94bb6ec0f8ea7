import { BadRequestException } from '@nestjs/common';
import { type Product, products } from '@smooai-demo/demo-schema/products';

/** One line of an order. */
export interface OrderLine {
  product: Product;
  quantity: number;
}

/**
 * The order in a request's body: `{ items: [ { id, quantity } ] }`.
 *
 * @throws {BadRequestException} naming the field that is wrong.
 */
export function parseOrder(body: unknown): OrderLine[] {
  const items = typeof body === 'object' && body !== null && 'items' in body ? body.items : undefined;
  if (!Array.isArray(items))
    throw new BadRequestException('Send JSON: { "items": [{ "id": "…", "quantity": 1 }] }.');
  if (items.length === 0) throw new BadRequestException('items is empty: put something into the cart first.');
  return items.map((item: unknown, index) => parseLine(item, `items[${index}]`));
}

function parseLine(item: unknown, path: string): OrderLine {
  const fields: Readonly<Record<string, unknown>> =
    typeof item === 'object' && item !== null ? { ...item } : {};
  const product = products.find(({ id }) => id === fields.id);
  if (product === undefined) throw new BadRequestException(`${path}.id is none of the shop's products.`);
  const { quantity } = fields;
  if (typeof quantity !== 'number' || !Number.isSafeInteger(quantity) || quantity < 1) {
    throw new BadRequestException(`${path}.quantity must be a whole number from 1.`);
  }
  return { product, quantity };
}

import { type Product, products } from './products.ts';

/** A line of an order. */
export interface OrderLine {
  product: Product;
  quantity: number;
}

/** An order that is not valid. The message names the field that is wrong. */
export class InvalidOrderError extends Error {
  override readonly name = 'InvalidOrderError';
}

const SHIPPING_CENTS = 695;

/** The shipping cost of an order, in cents. */
export function shippingCost(freeShipping: boolean): number {
  return freeShipping ? 0 : SHIPPING_CENTS;
}

/** The number of items in an order. */
export function itemCount(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** The price of an order with its shipping, in cents. */
export function orderTotal(lines: readonly OrderLine[], freeShipping: boolean): number {
  return lines.reduce(
    (sum, { product, quantity }) => sum + product.price * quantity,
    shippingCost(freeShipping),
  );
}

/**
 * Reads the order from a request body: `{ items: [{ id, quantity }] }`.
 *
 * @throws {InvalidOrderError} for any other body.
 */
export function parseOrder(body: unknown): OrderLine[] {
  const items = typeof body === 'object' && body !== null && 'items' in body ? body.items : undefined;
  if (!Array.isArray(items)) {
    throw new InvalidOrderError('Send JSON: { "items": [{ "id": "…", "quantity": 1 }] }.');
  }
  if (items.length === 0) throw new InvalidOrderError('items is empty. Put something into the cart first.');
  return items.map((item: unknown, index) => parseLine(item, `items[${index}]`));
}

function parseLine(item: unknown, path: string): OrderLine {
  const { id, quantity } = (item ?? {}) as { id?: unknown; quantity?: unknown };
  const product = products.find((candidate) => candidate.id === id);
  if (product === undefined) throw new InvalidOrderError(`${path}.id is not a product of the shop.`);
  if (typeof quantity !== 'number' || !Number.isSafeInteger(quantity) || quantity < 1) {
    throw new InvalidOrderError(`${path}.quantity must be a whole number of at least 1.`);
  }
  return { product, quantity };
}

import { createHmac, randomUUID } from 'node:crypto';
import { isConfigError } from '@smooai/config';
import { products } from '@smooai-demo/demo-schema/products';
import { flag, limit, secret } from '../../config.ts';
import { shippingCost } from '../../shipping.ts';

/** An order as the cart sends it: how many of each product. */
type Order = Map<string, number>;

/** Places an order: checks it against the limit and signs its id with the payment key, which stays here. */
export async function POST(request: Request): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const order = parseOrder(body);
  if (typeof order === 'string') return refusal(400, order);
  try {
    const most = await limit('cartItems');
    const count = [...order.values()].reduce((sum, quantity) => sum + quantity, 0);
    if (count > most) return refusal(422, `An order holds at most ${most} items; this one has ${count}.`);
    const orderId = `T-${randomUUID().slice(0, 8).toUpperCase()}`;
    const signature = createHmac('sha256', await secret('paymentKey'))
      .update(orderId)
      .digest('hex');
    return Response.json(
      { orderId, total: totalOf(order) + shippingCost(await flag('freeShipping')), signature },
      { status: 201 },
    );
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return refusal(503, 'The shop cannot take orders at the moment. Try again shortly.');
  }
}

/** The order, or what is wrong with it. */
function parseOrder(body: unknown): Order | string {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) {
    return 'Send JSON: { "items": [{ "id": "…", "quantity": 1 }] }.';
  }
  const order: Order = new Map();
  for (const [index, item] of (body.items as unknown[]).entries()) {
    const { id, quantity } = (item ?? {}) as { id?: unknown; quantity?: unknown };
    if (typeof id !== 'string' || !products.some((product) => product.id === id)) {
      return `items[${index}].id is none of the shop's products.`;
    }
    if (typeof quantity !== 'number' || !Number.isSafeInteger(quantity) || quantity < 1) {
      return `items[${index}].quantity must be a whole number from 1.`;
    }
    order.set(id, (order.get(id) ?? 0) + quantity);
  }
  return order.size === 0 ? 'items is empty: put something into the cart first.' : order;
}

function totalOf(order: Order): number {
  return products.reduce((sum, product) => sum + product.price * (order.get(product.id) ?? 0), 0);
}

function refusal(status: number, message: string): Response {
  return Response.json({ message }, { status });
}

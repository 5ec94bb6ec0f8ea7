import { createHmac, randomUUID } from 'node:crypto';
import { isConfigError } from '@smooai/config';
import {
  InvalidOrderError,
  itemCount,
  type OrderLine,
  orderTotal,
  parseOrder,
} from '@smooai-demo/demo-schema/orders';
import { flag, limit, secret } from '../../config.ts';

/** Places an order: checks it against the limit and signs its id with the payment key, which never leaves the server. */
export async function POST(request: Request): Promise<Response> {
  try {
    return await placeOrder(parseOrder(await request.json().catch(() => undefined)));
  } catch (error) {
    if (error instanceof InvalidOrderError) return refusal(400, error.message);
    if (!isConfigError(error)) throw error;
    return refusal(503, 'The shop cannot take orders at the moment. Try again soon.');
  }
}

async function placeOrder(lines: readonly OrderLine[]): Promise<Response> {
  const maxItems = await limit('cartItems');
  const count = itemCount(lines);
  if (count > maxItems) {
    return refusal(422, `An order can have at most ${maxItems} items; this one has ${count}.`);
  }
  const orderId = `T-${randomUUID().slice(0, 8).toUpperCase()}`;
  const signature = createHmac('sha256', await secret('paymentKey'))
    .update(orderId)
    .digest('hex');
  const total = orderTotal(lines, await flag('freeShipping'));
  return Response.json({ orderId, total, signature }, { status: 201 });
}

function refusal(status: number, message: string): Response {
  return Response.json({ message }, { status });
}

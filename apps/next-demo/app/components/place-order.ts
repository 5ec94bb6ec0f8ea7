import type { CartItems } from './cart-context.tsx';

/** The result of an order. */
export type CheckoutResult =
  | { ok: true; orderId: string; signature: string }
  | { ok: false; message: string };

/** Sends the cart as an order. Never rejects. */
export async function placeOrder(items: CartItems): Promise<CheckoutResult> {
  try {
    const response = await fetch('/api/checkout', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: Object.entries(items).map(([id, quantity]) => ({ id, quantity })) }),
    });
    const body = (await response.json()) as { orderId: string; signature: string; message?: string };
    if (response.ok) return { ok: true, orderId: body.orderId, signature: body.signature };
    return { ok: false, message: body.message ?? 'The order could not be placed.' };
  } catch {
    return { ok: false, message: 'The shop cannot be reached. Check your connection and try again.' };
  }
}

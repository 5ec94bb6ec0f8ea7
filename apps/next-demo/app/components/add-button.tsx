'use client';

import { useLimit } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { useCart } from './cart-context.tsx';

/** Puts one of a product into the cart, while the limit allows it. */
export function AddButton({ id, name }: { id: string; name: string }): ReactElement {
  const most = useLimit('cartItems');
  const { count, add } = useCart();
  const isFull = count >= most;
  return (
    <button
      type="button"
      className="button"
      disabled={isFull}
      onClick={() => add(id, 1)}
      aria-label={`Add ${name}`}
    >
      {isFull ? 'Cart full' : 'Add'}
    </button>
  );
}

'use client';

import { useLimit } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { useCart } from './cart-context.tsx';

/** Adds a product to the cart, up to the limit. */
export function AddButton({ id, name }: { id: string; name: string }): ReactElement {
  const maxItems = useLimit('cartItems');
  const { count, add } = useCart();
  const isFull = count >= maxItems;
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

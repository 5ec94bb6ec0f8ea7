'use client';

import { createContext, type ReactElement, type ReactNode, useContext, useMemo, useState } from 'react';

/** How many of each product, by id. */
export type CartItems = Readonly<Record<string, number>>;

/** The visitor's cart. */
export interface CartState {
  items: CartItems;
  /** All items together. */
  count: number;
  /** Puts in one more, or takes one out with -1. */
  add: (id: string, quantity: number) => void;
  clear: () => void;
}

const CartContext = createContext<CartState | undefined>(undefined);

/** Holds the cart of this page. */
export function CartProvider({ children }: { children: ReactNode }): ReactElement {
  const [items, setItems] = useState<CartItems>({});
  const cart = useMemo<CartState>(
    () => ({
      items,
      count: Object.values(items).reduce((sum, quantity) => sum + quantity, 0),
      add: (id, quantity) => setItems((before) => withQuantity(before, id, (before[id] ?? 0) + quantity)),
      clear: () => setItems({}),
    }),
    [items],
  );
  return <CartContext value={cart}>{children}</CartContext>;
}

/** The cart of this page. */
export function useCart(): CartState {
  const cart = useContext(CartContext);
  if (cart === undefined) throw new Error('useCart: there is no <CartProvider> above this component.');
  return cart;
}

function withQuantity(items: CartItems, id: string, quantity: number): CartItems {
  const { [id]: _, ...others } = items;
  return quantity > 0 ? { ...items, [id]: quantity } : others;
}

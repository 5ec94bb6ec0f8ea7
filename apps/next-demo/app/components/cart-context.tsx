'use client';

import { createContext, type ReactElement, type ReactNode, useContext, useMemo, useState } from 'react';

/** The quantity of each product, by its id. */
export type CartItems = Readonly<Record<string, number>>;

/** The visitor's cart. */
export interface CartState {
  items: CartItems;
  /** The number of items. */
  count: number;
  /** Adds to the quantity of a product. A negative number removes items. */
  add: (id: string, quantity: number) => void;
  clear: () => void;
}

const CartContext = createContext<CartState | undefined>(undefined);

/** Provides the cart to the components below it. */
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

/** Returns the cart of this page. */
export function useCart(): CartState {
  const cart = useContext(CartContext);
  if (cart === undefined) throw new Error('useCart: render a <CartProvider> above this component.');
  return cart;
}

function withQuantity(items: CartItems, id: string, quantity: number): CartItems {
  const { [id]: _, ...others } = items;
  return quantity > 0 ? { ...items, [id]: quantity } : others;
}

'use client';

import { useFlag, useLimit } from '@smooai/config-next/client';
import { formatPrice, products } from '@smooai-demo/demo-schema/products';
import type { ReactElement } from 'react';
import { shippingCost } from '../shipping.ts';
import { useCart } from './cart-context.tsx';
import { Checkout } from './checkout.tsx';

/** What the visitor is about to order. */
export function Cart(): ReactElement {
  const most = useLimit('cartItems');
  const freeShipping = useFlag('freeShipping');
  const { items, count, add } = useCart();
  const lines = products.flatMap((product) => {
    const quantity = items[product.id] ?? 0;
    return quantity > 0 ? [{ product, quantity }] : [];
  });
  const goods = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
  const shipping = shippingCost(freeShipping);
  return (
    <section className="panel cart" aria-labelledby="cart-title">
      <div className="panel-head">
        <h2 id="cart-title">Your cart</h2>
        <span data-testid="limit-cartItems" data-value={most}>
          <span className={count > most ? 'badge bad number' : 'badge number'}>
            {count} of {most} items
          </span>
        </span>
      </div>
      {lines.length === 0 ? (
        <p className="empty">Nothing in it yet. The Drover 28 is a good start.</p>
      ) : (
        <ul className="lines">
          {lines.map(({ product, quantity }) => (
            <li key={product.id}>
              <span className="cart-name">{product.name}</span>
              <span className="stepper">
                <button
                  type="button"
                  onClick={() => add(product.id, -1)}
                  aria-label={`One ${product.name} less`}
                >
                  −
                </button>
                <span>{quantity}</span>
                <button
                  type="button"
                  onClick={() => add(product.id, 1)}
                  disabled={count >= most}
                  aria-label={`One ${product.name} more`}
                >
                  +
                </button>
              </span>
              <span className="number">{formatPrice(product.price * quantity)}</span>
            </li>
          ))}
        </ul>
      )}
      <dl className="totals number">
        <dt>Shipping</dt>
        <dd>{shipping === 0 ? 'Free' : formatPrice(shipping)}</dd>
        <dt>Total</dt>
        <dd>{formatPrice(count === 0 ? 0 : goods + shipping)}</dd>
      </dl>
      {count > most && (
        <p className="notice bad small">
          An order holds at most {most} items. Take {count - most} out to go on.
        </p>
      )}
      <Checkout total={goods + shipping} blocked={count === 0 || count > most} />
    </section>
  );
}

'use client';

import { useFlag, useLimit } from '@smooai/config-next/client';
import { type OrderLine, shippingCost } from '@smooai-demo/demo-schema/orders';
import { formatPrice, products } from '@smooai-demo/demo-schema/products';
import type { ReactElement } from 'react';
import { useCart } from './cart-context.tsx';
import { Checkout } from './checkout.tsx';

/** The visitor's cart, with its total and the checkout. */
export function Cart(): ReactElement {
  const maxItems = useLimit('cartItems');
  const freeShipping = useFlag('freeShipping');
  const { items, count } = useCart();
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
        <span data-testid="limit-cartItems" data-value={maxItems}>
          <span className={count > maxItems ? 'badge bad number' : 'badge number'}>
            {count} of {maxItems} items
          </span>
        </span>
      </div>
      {lines.length === 0 ? (
        <p className="empty">Your cart is empty. The Drover 28 is a good start.</p>
      ) : (
        <ul className="lines">
          {lines.map((line) => (
            <CartLine key={line.product.id} {...line} isFull={count >= maxItems} />
          ))}
        </ul>
      )}
      <dl className="totals number">
        <dt>Shipping</dt>
        <dd>{shipping === 0 ? 'Free' : formatPrice(shipping)}</dd>
        <dt>Total</dt>
        <dd>{formatPrice(count === 0 ? 0 : goods + shipping)}</dd>
      </dl>
      {count > maxItems && (
        <p className="notice bad small">
          An order can have at most {maxItems} items. Remove {count - maxItems} to continue.
        </p>
      )}
      <Checkout total={goods + shipping} blocked={count === 0 || count > maxItems} />
    </section>
  );
}

function CartLine({ product, quantity, isFull }: OrderLine & { isFull: boolean }): ReactElement {
  const { add } = useCart();
  return (
    <li>
      <span className="cart-name">{product.name}</span>
      <span className="stepper">
        <button type="button" onClick={() => add(product.id, -1)} aria-label={`Remove one ${product.name}`}>
          −
        </button>
        <span>{quantity}</span>
        <button
          type="button"
          onClick={() => add(product.id, 1)}
          disabled={isFull}
          aria-label={`Add one ${product.name}`}
        >
          +
        </button>
      </span>
      <span className="number">{formatPrice(product.price * quantity)}</span>
    </li>
  );
}

import type { ReactElement } from 'react';

/** Shown until the visitor's values arrive, as high as what replaces it. */
export function CartSkeleton(): ReactElement {
  return (
    <aside className="stack">
      <section className="panel cart-skeleton" aria-labelledby="cart-skeleton-title">
        <div className="panel-head">
          <h2 id="cart-skeleton-title">Your cart</h2>
        </div>
        <noscript>
          <p className="notice small">To order, enable JavaScript.</p>
        </noscript>
        <div className="skeleton" />
      </section>
    </aside>
  );
}

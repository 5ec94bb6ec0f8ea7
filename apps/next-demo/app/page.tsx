import type { ReactElement } from 'react';
import { Cart } from './components/cart.tsx';
import { CartProvider } from './components/cart-context.tsx';
import { CartSkeleton } from './components/cart-skeleton.tsx';
import { ChangeLog } from './components/change-log.tsx';
import { Country, Shipping } from './components/country.tsx';
import { LiveBadge } from './components/live-badge.tsx';
import { ProductGrid } from './components/product-grid.tsx';
import { SupportLink } from './components/support-link.tsx';
import { ThemeName } from './components/theme-name.tsx';
import { VisitorConfig } from './components/visitor-config.tsx';

/** The storefront: a static page, with the visitor's values in its holes. */
export default function StorePage(): ReactElement {
  return (
    <CartProvider>
      <header className="masthead">
        <div className="row spread">
          <a className="brand" href="/">
            Tarn
          </a>
          <VisitorConfig fallback={<div className="skeleton controls-skeleton" />}>
            <div className="row">
              <LiveBadge />
              <Country />
            </div>
          </VisitorConfig>
        </div>
      </header>
      <VisitorConfig fallback={<p className="banner">Shipped from the hills</p>}>
        <Shipping />
      </VisitorConfig>
      <main className="page stack">
        <div className="hero">
          <h1>Gear for wet hills</h1>
          <p>Six products that we use ourselves. Each can be repaired, and we repair them for you.</p>
        </div>
        <div className="columns">
          <ProductGrid />
          <VisitorConfig fallback={<CartSkeleton />}>
            <aside className="stack">
              <Cart />
              <ChangeLog />
            </aside>
          </VisitorConfig>
        </div>
        <footer className="footer">
          <VisitorConfig fallback={<p>Questions? Ask us.</p>}>
            <div className="row spread">
              <SupportLink />
              <ThemeName />
            </div>
          </VisitorConfig>
        </footer>
      </main>
    </CartProvider>
  );
}

import { isConfigError } from '@smooai/config';
import type { Snapshot } from '@smooai/config/browser';
import { ConfigProvider } from '@smooai/config-next/client';
import { countries } from '@smooai-demo/demo-schema/countries';
import { defaults } from '@smooai-demo/demo-schema/defaults';
import type { ReactElement } from 'react';
import { Cart } from './components/cart.tsx';
import { CartProvider } from './components/cart-context.tsx';
import { ChangeLog } from './components/change-log.tsx';
import { Closed } from './components/closed.tsx';
import { CountrySelector } from './components/country-selector.tsx';
import { LiveBadge } from './components/live-badge.tsx';
import { ProductGrid } from './components/product-grid.tsx';
import { ShippingBanner } from './components/shipping-banner.tsx';
import { SupportLink } from './components/support-link.tsx';
import { ThemeName } from './components/theme-name.tsx';
import { snapshot } from './config.ts';
import { visitor } from './visitor.ts';

/** The storefront. Its HTML has the first values; changes arrive over the stream. */
export default async function StorePage(): Promise<ReactElement> {
  const [{ country }, initial] = await Promise.all([visitor(), firstValues()]);
  if (initial === undefined) return <Closed />;
  const countryName = countries.find(({ code }) => code === country)?.name ?? country;
  return (
    // The stream reads its context from the cookies. The query makes it reconnect when the country changes.
    <ConfigProvider snapshot={initial} stream={`/api/config/stream?country=${country}`} defaults={defaults}>
      <CartProvider>
        <header className="masthead">
          <div className="row spread">
            <a className="brand" href="/">
              Tarn
            </a>
            <div className="row">
              <LiveBadge />
              <CountrySelector country={country} />
            </div>
          </div>
        </header>
        <ShippingBanner countryName={countryName} />
        <main className="page stack">
          <div className="hero">
            <h1>Gear for wet hills</h1>
            <p>Six products that we use ourselves. Each can be repaired, and we repair them for you.</p>
          </div>
          <div className="columns">
            <ProductGrid />
            <aside className="stack">
              <Cart />
              <ChangeLog revision={initial.revision} />
            </aside>
          </div>
          <footer className="footer row spread">
            <SupportLink />
            <ThemeName />
          </footer>
        </main>
      </CartProvider>
    </ConfigProvider>
  );
}

/** Returns the snapshot, or undefined if the config server has not been reached yet. */
async function firstValues(): Promise<Snapshot | undefined> {
  try {
    return await snapshot();
  } catch (error) {
    // Next uses exceptions too, which must not be caught.
    if (!isConfigError(error)) throw error;
    return undefined;
  }
}

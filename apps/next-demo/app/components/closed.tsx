import type { ReactElement } from 'react';

/** Shown while the shop is not available. The page tries again by itself. */
export function Closed(): ReactElement {
  return (
    <main className="closed stack">
      <meta httpEquiv="refresh" content="5" />
      <meta name="robots" content="noindex" />
      <span className="brand">Tarn</span>
      <h1>We’ll be right back</h1>
      <p className="muted">
        The shop is not available at the moment. This page tries again every few seconds.
      </p>
      {/* A link and not a reset, because the layout was rendered without configuration too. */}
      <a className="button button-primary" href="/">
        Try again
      </a>
    </main>
  );
}

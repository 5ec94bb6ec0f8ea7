import type { ReactElement } from 'react';

/** Says that the shop cannot be shown now, and how to try again. */
export function Closed(): ReactElement {
  return (
    <main className="closed stack">
      <meta httpEquiv="refresh" content="5" />
      <meta name="robots" content="noindex" />
      <span className="brand">Tarn</span>
      <h1>We open in a moment</h1>
      <p className="muted">The shop cannot be shown right now. This page tries again every few seconds.</p>
      {/* A whole page load, as the frame around this page was made without configuration too. */}
      <a className="button button-primary" href="/">
        Try again
      </a>
    </main>
  );
}

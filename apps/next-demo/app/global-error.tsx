'use client';

import '@smooai-demo/demo-schema/shop.css';
import './storefront.css';
import type { ReactElement } from 'react';
import { Closed } from './components/closed.tsx';

/** Shown where not even the layout could be made. */
export default function GlobalErrorPage(): ReactElement {
  return (
    <html lang="en" data-theme="light">
      <body>
        <Closed />
      </body>
    </html>
  );
}

'use client';

import '@smooai-demo/demo-schema/shop.css';
import '@smooai-demo/demo-schema/controls.css';
import './storefront.css';
import type { ReactElement } from 'react';
import { Closed } from './components/closed.tsx';

/** Shown if the layout cannot be rendered. */
export default function GlobalErrorPage(): ReactElement {
  return (
    <html lang="en" data-theme="light">
      <body>
        <Closed />
      </body>
    </html>
  );
}

import '@smooai-demo/demo-schema/shop.css';
import '@smooai-demo/demo-schema/controls.css';
import './storefront.css';
import { isConfigError } from '@smooai/config';
import type { Metadata } from 'next';
import type { ReactElement, ReactNode } from 'react';
import { flag } from './config.ts';

export const metadata: Metadata = {
  title: 'Tarn: gear for wet hills',
  description: 'Six products for wet hills, made to be repaired.',
};

/** The layout of every page, in the visitor's theme. */
export default async function RootLayout({ children }: { children: ReactNode }): Promise<ReactElement> {
  return (
    <html lang="en" data-theme={await theme()}>
      <body>{children}</body>
    </html>
  );
}

/** Returns the visitor's theme, or the light one without configuration. */
async function theme(): Promise<'light' | 'dark'> {
  try {
    return await flag('theme');
  } catch (error) {
    // Next uses exceptions too, which must not be caught.
    if (!isConfigError(error)) throw error;
    return 'light';
  }
}

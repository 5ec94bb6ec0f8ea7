import '@smooai-demo/demo-schema/shop.css';
import '@smooai-demo/demo-schema/controls.css';
import './storefront.css';
import { isConfigError } from '@smooai/config';
import { CachedReadError } from '@smooai/config-next/server';
import type { Metadata } from 'next';
import type { ReactElement, ReactNode } from 'react';
import { flag } from './config.ts';

export const metadata: Metadata = {
  title: 'Tarn: gear for wet hills',
  description: 'Six products for wet hills, made to be repaired.',
};

/** The layout of every page, in the shop's theme. */
export default async function RootLayout({ children }: { children: ReactNode }): Promise<ReactElement> {
  return (
    <html lang="en" data-theme={await theme()}>
      <body>{children}</body>
    </html>
  );
}

/**
 * Returns the theme, which is part of the static shell until it changes. It is the light one during the build, which has no
 * config server, and if the theme depends on the visitor: `ThemeName` then applies theirs.
 */
async function theme(): Promise<'light' | 'dark'> {
  'use cache';
  try {
    return await flag('theme');
  } catch (error) {
    // Next uses exceptions too, which must not be caught.
    if (!isConfigError(error) && !(error instanceof CachedReadError)) throw error;
    return 'light';
  }
}

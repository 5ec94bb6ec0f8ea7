import '@smooai-demo/demo-schema/shop.css';
import './storefront.css';
import { isConfigError } from '@smooai/config';
import type { Metadata } from 'next';
import type { ReactElement, ReactNode } from 'react';
import { flag } from './config.ts';

export const metadata: Metadata = {
  title: 'Tarn, kit for wet hills',
  description: 'Six things for wet hills, made to be mended.',
};

/** The frame of every page, in the theme of the visitor. */
export default async function RootLayout({ children }: { children: ReactNode }): Promise<ReactElement> {
  return (
    <html lang="en" data-theme={await theme()}>
      <body>{children}</body>
    </html>
  );
}

/** The theme, also for the page that says that the shop is closed. */
async function theme(): Promise<'light' | 'dark'> {
  try {
    return await flag('theme');
  } catch (error) {
    // Next speaks through exceptions too; those are not ours to catch.
    if (!isConfigError(error)) throw error;
    return 'light';
  }
}

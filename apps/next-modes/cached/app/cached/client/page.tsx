import { ConfigProvider } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { Checkout } from '../../../../shared/checkout';
import { snapshot } from '../../../../shared/config';

/** A page in the cache with client components, for a given context. */
export default async function Page(): Promise<ReactElement> {
  'use cache';
  return (
    <ConfigProvider snapshot={await snapshot({ userId: 'someone' })}>
      <Checkout />
    </ConfigProvider>
  );
}

import { RefreshOnChange } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { Checkout } from '../../../../shared/checkout';
import { ConfigRoot, flag } from '../../../../shared/config';

/** A cached part that follows live, because the client part refreshes the page. */
export default function Page(): ReactElement {
  return (
    <main>
      <Everyone />
      <ConfigRoot fallback={<p>hole</p>} stream="/api/config/stream">
        <RefreshOnChange />
        <Checkout />
      </ConfigRoot>
    </main>
  );
}

async function Everyone(): Promise<ReactElement> {
  'use cache';
  return <p>{`shared: ${(await flag('betaShop', { userId: 'someone' })) ? 'beta' : 'stable'}`}</p>;
}

import { RefreshOnChange } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { Checkout } from '../../../shared/checkout';
import { ConfigRoot, flag } from '../../../shared/config';

/** A live hole with server and client components. */
export default function Page(): ReactElement {
  return (
    <ConfigRoot fallback={<p>hole</p>} stream="/api/config/stream">
      <RefreshOnChange />
      <Visitor />
      <Checkout />
    </ConfigRoot>
  );
}

async function Visitor(): Promise<ReactElement> {
  return <p>{`server: ${(await flag('betaShop')) ? 'beta' : 'stable'}`}</p>;
}

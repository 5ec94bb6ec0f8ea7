import { RefreshOnChange } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { Checkout } from '../../../shared/checkout';
import { ConfigRoot, flag } from '../../../shared/config';

/** Rendered for each request, with server components that follow the client ones. */
export default async function Page(): Promise<ReactElement> {
  const isBeta = await flag('betaShop');
  return (
    <ConfigRoot stream="/api/config/stream">
      <RefreshOnChange />
      <p>{`server: ${isBeta ? 'beta' : 'stable'}`}</p>
      <Checkout />
    </ConfigRoot>
  );
}

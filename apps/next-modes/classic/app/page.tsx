import type { ReactElement } from 'react';
import { Checkout } from '../../shared/checkout';
import { ConfigRoot, flag } from '../../shared/config';

/** Rendered for each request. */
export default async function Page(): Promise<ReactElement> {
  const isBeta = await flag('betaShop');
  return (
    <ConfigRoot stream="/api/config/stream">
      <p>{`server: ${isBeta ? 'beta' : 'stable'}`}</p>
      <Checkout />
    </ConfigRoot>
  );
}

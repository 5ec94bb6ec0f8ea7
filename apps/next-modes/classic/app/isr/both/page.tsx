import type { ReactElement } from 'react';
import { Checkout } from '../../../../shared/checkout';
import { ConfigRoot, flag } from '../../../../shared/config';

export const dynamic = 'force-static';
export const revalidate = 1;

/** Rendered during the build, and again while the app runs, with server and client components. */
export default async function Page(): Promise<ReactElement> {
  const isBeta = await flag('betaShop');
  return (
    <ConfigRoot stream="/api/config/stream">
      <p>{`server: ${isBeta ? 'beta' : 'stable'}`}</p>
      <Checkout />
    </ConfigRoot>
  );
}

import type { ReactElement } from 'react';
import { Checkout } from '../../../../shared/checkout';
import { ConfigRoot } from '../../../../shared/config';

export const dynamic = 'force-static';
export const revalidate = 1;

/** Rendered during the build, and again while the app runs, with client components that follow. */
export default function Page(): ReactElement {
  return (
    <ConfigRoot stream="/api/config/stream">
      <Checkout />
    </ConfigRoot>
  );
}

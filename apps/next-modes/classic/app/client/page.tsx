import type { ReactElement } from 'react';
import { Checkout } from '../../../shared/checkout';
import { ConfigRoot } from '../../../shared/config';

/** Rendered for each request, with client components only. */
export default function Page(): ReactElement {
  return (
    <ConfigRoot stream="/api/config/stream">
      <Checkout />
    </ConfigRoot>
  );
}

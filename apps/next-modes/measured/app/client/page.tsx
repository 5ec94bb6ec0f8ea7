import type { ReactElement } from 'react';
import { Checkout } from '../../../shared/checkout';
import { ConfigRoot } from '../../config';

/** A live client component. */
export default function Page(): ReactElement {
  return (
    <ConfigRoot fallback={<p>hole</p>} stream="/api/config/stream">
      <Checkout />
    </ConfigRoot>
  );
}

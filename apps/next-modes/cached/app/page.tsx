import type { ReactElement } from 'react';
import { Checkout } from '../../shared/checkout';
import { ConfigRoot } from '../../shared/config';

/** A static shell with a live hole. */
export default function Page(): ReactElement {
  return (
    <main>
      <p>static shell</p>
      <ConfigRoot fallback={<p>hole</p>} stream="/api/config/stream">
        <Checkout />
      </ConfigRoot>
    </main>
  );
}

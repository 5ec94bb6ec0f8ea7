import { type ReactElement, Suspense } from 'react';
import { ConstantCheckout } from '../../../constant-checkout';
import { visitor } from '../../../visitor';

/** The same client component with constants. */
export default function Page(): ReactElement {
  return (
    <Suspense fallback={<p>hole</p>}>
      <Visitor />
    </Suspense>
  );
}

async function Visitor(): Promise<ReactElement> {
  return <ConstantCheckout isBeta={(await visitor()).userId === 'beta-user'} items={20} />;
}

import type { ReactElement } from 'react';
import { flag, publicValue, secret } from '../../../shared/config';

export const dynamic = 'force-static';

/** Rendered during the build, and again when one of its values has changed. */
export default async function Page(): Promise<ReactElement> {
  const checkout = (await flag('newCheckout')) ? 'new' : 'old';
  return (
    <main>
      <p>{`static: ${await publicValue('supportEmail')}, ${checkout} checkout`}</p>
      <p>{`a key of ${(await secret('paymentKey')).length} characters`}</p>
      <p>{`entry: ${crypto.randomUUID()}`}</p>
    </main>
  );
}

import type { ReactElement } from 'react';
import { flag, limit, publicValue, secret } from '../../../shared/config';

/** A page in the cache: public values, and flags and limits that are the same for all visitors. */
export default async function Page(): Promise<ReactElement> {
  'use cache';
  const checkout = (await flag('newCheckout')) ? 'new' : 'old';
  return (
    <main>
      <p>{`cached: ${checkout}, ${await limit('cartItems')}, ${await publicValue('supportEmail')}`}</p>
      <p>{`shared: ${(await flag('betaShop', { userId: 'someone' })) ? 'beta' : 'stable'}`}</p>
      <p>{`given: ${await flag('betaShop', { userId: 'beta-user' })}`}</p>
      <p>{`targeted: ${await messageOf(() => flag('betaShop'))}`}</p>
      <p>{`secret: ${await messageOf(() => secret('paymentKey'))}`}</p>
    </main>
  );
}

async function messageOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'was read';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

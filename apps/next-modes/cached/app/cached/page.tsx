import { cacheLife } from 'next/cache';
import type { ReactElement } from 'react';
import { flag, limit, publicValue, secret } from '../../../shared/config';
import { messageOf } from '../../../shared/message-of';

/** A page in the cache: public values, and flags and limits that are the same for all visitors. */
export default async function Page(): Promise<ReactElement> {
  'use cache';
  // All tests share a build, which can be older than the default period of 15 minutes.
  cacheLife('max');
  const checkout = (await flag('newCheckout')) ? 'new' : 'old';
  return (
    <main>
      <p>{`cached: ${checkout}, ${await limit('cartItems')}, ${await publicValue('supportEmail')}`}</p>
      <p>{`shared: ${(await flag('betaShop', { userId: 'someone' })) ? 'beta' : 'stable'}`}</p>
      <p>{`given: ${await flag('betaShop', { userId: 'beta-user' })}`}</p>
      <p>{`targeted: ${await messageOf(() => flag('betaShop'))}`}</p>
      <p>{`secret: ${await messageOf(() => secret('paymentKey'))}`}</p>
      <p>{`entry: ${crypto.randomUUID()}`}</p>
    </main>
  );
}

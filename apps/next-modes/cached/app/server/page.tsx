import { cookies } from 'next/headers';
import { type ReactElement, Suspense } from 'react';
import { flag, flags, publicValue, secret } from '../../../shared/config';
import { messageOf } from '../../../shared/message-of';

/** A server component reads for the visitor. */
export default function Page(): ReactElement {
  return (
    <Suspense fallback={<p>hole</p>}>
      <Visitor />
      <Private />
    </Suspense>
  );
}

async function Visitor(): Promise<ReactElement> {
  const [isBeta, theme] = await flags(['betaShop', 'theme']);
  return <p>{`server: ${isBeta ? 'beta' : 'stable'}, ${theme}, ${await supportEmail()}`}</p>;
}

async function supportEmail(): Promise<string> {
  'use cache';
  return publicValue('supportEmail');
}

async function Private(): Promise<ReactElement> {
  'use cache: private';
  const userId = (await cookies()).get('userId')?.value;
  return (
    <>
      <p>{`private: ${(await flag('betaShop', { userId })) ? 'beta' : 'stable'}, ${await flag('theme')}`}</p>
      <p>{`private and targeted: ${await messageOf(() => flag('betaShop'))}`}</p>
      <p>{`private and secret: ${await messageOf(() => secret('paymentKey'))}`}</p>
    </>
  );
}

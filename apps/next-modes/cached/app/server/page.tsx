import { cookies } from 'next/headers';
import { type ReactElement, Suspense } from 'react';
import { flag, flags, publicValue } from '../../../shared/config';

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
  return <p>{`private: ${(await flag('betaShop', { userId })) ? 'beta' : 'stable'}`}</p>;
}

import Link from 'next/link';
import type { ReactElement } from 'react';
import { home } from '../../variants';

/** One variant is built. The other one is rendered for its first visitor. */
export const generateStaticParams = (): { variant: string }[] => home.generateVariants({ max: 1 });

export default async function Page({
  params,
}: {
  params: Promise<{ variant: string }>;
}): Promise<ReactElement> {
  const { variant } = await params;
  const { newCheckout } = home.values(variant);
  return (
    <p>
      home: {newCheckout ? 'one step' : 'two steps'}, code: {variant}. <Link href="/pricing">Pricing</Link>
    </p>
  );
}

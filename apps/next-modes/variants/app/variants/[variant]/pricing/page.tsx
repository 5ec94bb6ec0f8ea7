import { ConfigProvider } from '@smooai/config-next/client';
import type { ReactElement } from 'react';
import { pricing } from '../../../variants';
import { Theme } from './theme';

export const generateStaticParams = (): { variant: string }[] => pricing.generateVariants({ max: 16 });

export default async function Page({
  params,
}: {
  params: Promise<{ variant: string }>;
}): Promise<ReactElement> {
  const { variant } = await params;
  const { newCheckout, betaShop, freeShipping, theme } = pricing.values(variant);
  const on = Object.entries({ newCheckout, betaShop, freeShipping }).filter(([, isOn]) => isOn);
  return (
    <main>
      <p>
        pricing: {on.map(([name]) => name).join('+')} {theme}, code: {variant}.
      </p>
      <ConfigProvider snapshot={pricing.snapshot(variant)}>
        <Theme />
      </ConfigProvider>
    </main>
  );
}

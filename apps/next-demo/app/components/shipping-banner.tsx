'use client';

import { useFlag } from '@smooai/config-next/client';
import { formatPrice } from '@smooai-demo/demo-schema/products';
import type { ReactElement } from 'react';
import { shippingCost } from '../shipping.ts';

/** What shipping costs this visitor, who is targeted by country and by percentage. */
export function ShippingBanner({ countryName }: { countryName: string }): ReactElement {
  const freeShipping = useFlag('freeShipping');
  return (
    <p
      className={freeShipping ? 'banner banner-free' : 'banner'}
      data-testid="flag-freeShipping"
      data-value={freeShipping}
    >
      {freeShipping
        ? `Free shipping on every order · ${countryName}`
        : `Shipping ${formatPrice(shippingCost(false))} · ${countryName}`}
    </p>
  );
}

'use client';

import { useFlag } from '@smooai/config-next/client';
import { shippingCost } from '@smooai-demo/demo-schema/orders';
import { formatPrice } from '@smooai-demo/demo-schema/products';
import type { ReactElement } from 'react';

/** The shipping cost for this visitor: the flag is targeted by country and by percentage. */
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

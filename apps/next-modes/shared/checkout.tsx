'use client';

import { useFlag, useLimit } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

export function Checkout(): ReactElement {
  return (
    <p>
      client: {useFlag('betaShop') ? 'beta' : 'stable'} with {useLimit('cartItems')} items
    </p>
  );
}

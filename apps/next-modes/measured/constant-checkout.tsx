'use client';

import type { ReactElement } from 'react';

/** The client component with the values of its props. */
export function ConstantCheckout({ isBeta, items }: { isBeta: boolean; items: number }): ReactElement {
  return (
    <p>
      client: {isBeta ? 'beta' : 'stable'} with {items} items
    </p>
  );
}

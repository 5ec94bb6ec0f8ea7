import type { ReactNode } from 'react';
import { useConfigStatus, useFlag, useLimit, usePublic } from '../index.ts';

/** Shows a value of each kind and the status. */
export function AllValues(): ReactNode {
  const values = [
    useFlag('newCheckout'),
    useFlag('theme'),
    usePublic('supportEmail'),
    useLimit('cartItems'),
    useConfigStatus().status,
  ];
  return <p data-testid="all">{values.map(String).join(' ')}</p>;
}

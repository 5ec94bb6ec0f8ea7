import type { Metadata } from 'next';
import { paymentKey } from '../charge';

export const generateMetadata = (): Metadata => ({ other: { payment: paymentKey() } });

export default function Page() {
  return <p>Metadata</p>;
}

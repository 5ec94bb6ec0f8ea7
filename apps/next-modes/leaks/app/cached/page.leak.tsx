import { Card } from '../card';
import { paymentKey } from '../charge';

async function account(): Promise<{ key: string }> {
  'use cache';
  return { key: paymentKey() };
}

export default async function Page() {
  return <Card account={await account()} />;
}

import { connection } from 'next/server';
import { Suspense } from 'react';
import { paymentKey } from '../charge';

async function Charge(): Promise<never> {
  await connection();
  throw new Error(`The key ${paymentKey()} was refused.`);
}

export default function Page() {
  return (
    <Suspense fallback="…">
      <Charge />
    </Suspense>
  );
}

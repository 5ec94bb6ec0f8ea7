import { Suspense } from 'react';
import { Card } from '../card';
import { secret } from '../secrets';

async function SigningKey() {
  return <Card account={{ key: (await secret('signingKey')) ?? '' }} />;
}

export default function Page() {
  return (
    <Suspense fallback="…">
      <SigningKey />
    </Suspense>
  );
}

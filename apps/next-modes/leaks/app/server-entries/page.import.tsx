import type { ReactElement } from 'react';
import { Client as CoreServer } from './core-server';
import { Client as NextServer } from './next-server';
import { Client as NextVariants } from './next-variants';

export default function Page(): ReactElement {
  return (
    <>
      <CoreServer />
      <NextServer />
      <NextVariants />
    </>
  );
}

'use client';

import { useFlag } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

/** A client component of a static page: its first value is that of the variant. */
export function Theme(): ReactElement {
  return <p>client: {useFlag('theme')}</p>;
}

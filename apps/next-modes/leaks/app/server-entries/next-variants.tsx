'use client';

import { createVariants } from '@smooai/config-next/variants';
import type { ReactElement } from 'react';

export function Client(): ReactElement {
  return <p>{typeof createVariants}</p>;
}

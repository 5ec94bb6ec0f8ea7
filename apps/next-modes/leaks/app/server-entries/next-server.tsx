'use client';

import { createNextConfig } from '@smooai/config-next/server';
import type { ReactElement } from 'react';

export function Client(): ReactElement {
  return <p>{typeof createNextConfig}</p>;
}

'use client';

import { createConfigClient } from '@smooai/config/server';
import type { ReactElement } from 'react';

export function Client(): ReactElement {
  return <p>{typeof createConfigClient}</p>;
}

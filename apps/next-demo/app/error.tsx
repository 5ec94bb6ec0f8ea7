'use client';

import type { ReactElement } from 'react';
import { Closed } from './components/closed.tsx';

/** Shown where the page could not be made. */
export default function ErrorPage(): ReactElement {
  return <Closed />;
}

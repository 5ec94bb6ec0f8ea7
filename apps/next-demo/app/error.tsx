'use client';

import type { ReactElement } from 'react';
import { Closed } from './components/closed.tsx';

/** Shown where the page could not be made, as when the config server is away before the first request. */
export default function ErrorPage(): ReactElement {
  return <Closed />;
}

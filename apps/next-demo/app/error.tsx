'use client';

import type { ReactElement } from 'react';
import { Closed } from './components/closed.tsx';

/** Shown if the page cannot be rendered. */
export default function ErrorPage(): ReactElement {
  return <Closed />;
}

'use client';

import { useConfigStatus } from '@smooai/config-next/client';
import type { ReactElement } from 'react';

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  offline: 'Not live',
} as const;

/** Whether changes reach this page as they are made. */
export function LiveBadge(): ReactElement {
  const status = useConfigStatus();
  return (
    <span className="badge live-badge" data-testid="live-status" data-value={status} role="status">
      {WORDS[status]}
    </span>
  );
}

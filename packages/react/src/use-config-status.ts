'use client';

import type { SnapshotStatus } from '@smooai/config/browser';
import { useSyncExternalStore } from 'react';
import { useStore } from './config-context.ts';

/**
 * Whether changes arrive: `connecting`, `live`, `reconnecting`, or `offline` without a source.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigStatus(): SnapshotStatus {
  const store = useStore('useConfigStatus');
  return useSyncExternalStore(
    store.subscribeStatus,
    () => store.status,
    () => store.initialStatus,
  );
}

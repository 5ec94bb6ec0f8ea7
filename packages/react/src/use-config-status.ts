'use client';

import type { SnapshotStatus } from '@smooai/config/browser';
import { useSyncExternalStore } from 'react';
import { useConfigStore } from './use-config-store.ts';

/**
 * Returns the state of the connection: `connecting`, `live`, `reconnecting`, or `offline` without a source.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigStatus(): SnapshotStatus {
  const store = useConfigStore('useConfigStatus');
  return useSyncExternalStore(
    store.subscribeStatus,
    () => store.status,
    () => store.initialStatus,
  );
}

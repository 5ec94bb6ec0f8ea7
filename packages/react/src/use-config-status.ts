'use client';

import type { SnapshotRefusal, SnapshotStatus } from '@smooai/config/browser';
import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { type ConfigScope, DefaultScope, useSession } from './config-session.ts';

/** Whether the values are current, and why not. */
export interface ConfigStatus {
  /**
   * `loading`: waiting for the first values; `ready`: the values are current; `stale`: the connection is lost, so these
   * are the last values, or still the defaults; `refused`: the server does not send values to this page; `offline`: the
   * browser is offline, or the provider has lost its source.
   */
  status: 'loading' | 'ready' | 'stale' | 'refused' | 'offline';
  /** The revision of the values; undefined before the first. */
  revision: string | undefined;
  /** When the status began, in epoch milliseconds; undefined for the status of the first render. */
  since: number | undefined;
  /** The server's reason while the status is `refused`. */
  refusal: SnapshotRefusal | undefined;
}

/**
 * Returns whether the values are current, and why not.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigStatus(): ConfigStatus {
  return useScopeStatus(DefaultScope);
}

/** Returns the status of a scope. */
export function useScopeStatus(scope: ConfigScope): ConfigStatus {
  const { store } = useSession(scope, 'useConfigStatus');
  const connection = useSyncExternalStore(
    store.subscribeStatus,
    () => store.status ?? 'live',
    () => store.initialStatus ?? 'live',
  );
  const refusal = useSyncExternalStore(
    store.subscribeStatus,
    () => store.refusal,
    () => undefined,
  );
  const revision = useSyncExternalStore(
    useCallback((listener) => store.subscribe('revision', listener), [store]),
    () => store.revision,
    () => store.initial?.revision,
  );
  const status = statusOf(connection, revision !== undefined);
  // Hydration reads the status of the HTML, which has no time.
  const since = connection === store.status ? store.statusAt : undefined;
  return useMemo(() => ({ status, revision, since, refusal }), [status, revision, since, refusal]);
}

function statusOf(connection: SnapshotStatus, hasValues: boolean): ConfigStatus['status'] {
  if (connection === 'refused' || connection === 'offline') return connection;
  if (connection === 'reconnecting') return 'stale';
  return hasValues ? 'ready' : 'loading';
}

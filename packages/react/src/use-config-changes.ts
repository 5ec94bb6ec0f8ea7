'use client';

import type { SnapshotKeyChange } from '@smooai/config/browser';
import { useEffect, useState } from 'react';
import { type ConfigScope, DefaultScope, useSession } from './config-session.ts';

/** One value that changed while the component was mounted; `key` includes the tier: `flags.newCheckout`. */
export interface ConfigChange extends SnapshotKeyChange {
  revision: string;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * Returns the changes of values since the component was mounted, newest first, at most `limit` (default 20).
 * The first snapshot does not count as a change, and neither does another reason for the same value.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigChanges(limit?: number): readonly ConfigChange[] {
  return useScopeChanges(DefaultScope, limit);
}

/** Returns the changes of a scope. */
export function useScopeChanges(scope: ConfigScope, limit = 20): readonly ConfigChange[] {
  const { store } = useSession(scope, 'useConfigChanges');
  const [log, setLog] = useState<readonly ConfigChange[]>([]);
  useEffect(
    () =>
      store.subscribeAll(({ changes, revision, at, initial }) => {
        const changed = changes.filter(({ from, to }) => !initial && from !== to);
        if (changed.length > 0) {
          setLog((old) =>
            [...changed.map((change) => ({ ...change, revision, at })), ...old].slice(0, limit),
          );
        }
      }),
    [store, limit],
  );
  return log;
}

'use client';

import type { SnapshotKeyChange } from '@smooai/config/browser';
import { useEffect, useState } from 'react';
import { useStore } from './config-context.ts';

/** One value that changed while the component was mounted; `key` is `flags.newCheckout`. */
export interface ConfigChange extends SnapshotKeyChange {
  revision: string;
  /** Epoch milliseconds. */
  at: number;
}

/**
 * The latest `limit` (default 20) changes of values since the component was mounted, newest first.
 * The first snapshot is no change, nor is another reason for the same value.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useConfigChanges(limit = 20): readonly ConfigChange[] {
  const store = useStore('useConfigChanges');
  const [log, setLog] = useState<readonly ConfigChange[]>([]);
  useEffect(
    () =>
      store.subscribeAll(({ changes, revision, at, initial }) => {
        const news = changes.filter(({ from, to }) => !initial && from !== to);
        if (news.length > 0) {
          setLog((old) => [...news.map((change) => ({ ...change, revision, at })), ...old].slice(0, limit));
        }
      }),
    [store, limit],
  );
  return log;
}

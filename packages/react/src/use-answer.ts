import { type SnapshotGroup, snapshotValue } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { useStore } from './config-context.ts';

/** The value of one key, and a render when it changes; `fallback` where the snapshot has no such key. */
export function useAnswer(hook: string, group: SnapshotGroup, key: string, fallback: unknown): unknown {
  const store = useStore(hook);
  const subscribe = useCallback(
    (listener: () => void) => store.subscribe(`${group}.${key}`, listener),
    [store, group, key],
  );
  const value = useSyncExternalStore(
    subscribe,
    () => store.value(group, key),
    () => snapshotValue(store.initial, group, key),
  );
  return value === undefined ? fallback : value;
}

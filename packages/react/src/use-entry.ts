import { entryValue, type SnapshotGroup, snapshotEntry } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { type ConfigScope, useSession } from './config-session.ts';

/** The public hook that reads, for its error message, and what it reads. */
export type EntryRequest = readonly [hook: string, group: SnapshotGroup, key: string];

/** What a hook returns while no snapshot has the key, and what it takes from an entry; default the value alone. */
export interface EntryOptions {
  fallback?: unknown;
  read?: (group: SnapshotGroup, entry: unknown) => unknown;
}

/** Reads a value and subscribes to its key: the component renders again when what it reads changes. */
export function useEntry(
  scope: ConfigScope,
  [hook, group, key]: EntryRequest,
  { fallback, read = entryValue }: EntryOptions = {},
): unknown {
  const { store, defaults } = useSession(scope, hook);
  const found = useSyncExternalStore(
    useCallback((listener: () => void) => store.subscribe(`${group}.${key}`, listener), [store, group, key]),
    () => read(group, store.entry(group, key)),
    // Hydration must read what the server rendered, even if a change has arrived since.
    () => read(group, snapshotEntry(store.initial, group, key)),
  );
  if (found !== undefined) return found;
  return fallback === undefined ? snapshotEntry(defaults, group, key) : fallback;
}

import { entryValue, type SnapshotGroup, snapshotEntry } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { type ConfigScope, useSession } from './config-session.ts';

/** The public hook that reads, for its error message, and what it reads. */
export type EntryRequest = readonly [hook: string, group: SnapshotGroup, key: string];

/** What a hook returns while no snapshot has the key, and whether it returns the reason for the value too. */
export interface EntryOptions {
  fallback?: unknown;
  isDetailed?: boolean;
}

/** Reads a value and subscribes to its key: the component renders again when what it reads changes. */
export function useEntry(
  scope: ConfigScope,
  [hook, group, key]: EntryRequest,
  { fallback, isDetailed }: EntryOptions = {},
): unknown {
  const { store, defaults } = useSession(scope, hook);
  const read = (entry: unknown): unknown => (isDetailed ? entry : entryValue(group, entry));
  const found = useSyncExternalStore(
    useCallback((listener: () => void) => store.subscribe(`${group}.${key}`, listener), [store, group, key]),
    () => read(store.entry(group, key)),
    // Hydration must read what the server rendered, even if a change has arrived since.
    () => read(snapshotEntry(store.initial, group, key)),
  );
  if (found !== undefined) return found;
  const value = fallback === undefined ? defaults[group]?.[key] : fallback;
  return isDetailed && value !== undefined ? { value, source: 'default' } : value;
}

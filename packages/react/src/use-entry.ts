import { entryValue, type SnapshotGroup, snapshotEntry } from '@smooai/config/browser';
import { useMemo, useSyncExternalStore } from 'react';
import { type ConfigScope, useSession } from './config-session.ts';

/**
 * What a hook reads: its own name for the error message, the entry, what it returns while no snapshot has the key, and
 * what it takes from the entry, which is the value by default. `read` must be the same function in each render.
 */
export type EntryRequest = readonly [
  hook: string,
  group: SnapshotGroup,
  key: string,
  fallback?: unknown,
  read?: (group: SnapshotGroup, entry: unknown) => unknown,
];

/** Reads a value and subscribes to its key: the component renders again when what it reads changes. */
export function useEntry(
  scope: ConfigScope,
  [hook, group, key, fallback, read = entryValue]: EntryRequest,
): unknown {
  const { store, defaults } = useSession(scope, hook);
  const found = useSyncExternalStore(
    // All of them memoized: React runs an effect after each render with another function, even if nothing changed.
    ...useMemo(
      () =>
        [
          (listener: () => void) => store.subscribe(`${group}.${key}`, listener),
          () => read(group, store.entry(group, key)),
          // Hydration must read what the server rendered, even if a change has arrived since.
          () => read(group, snapshotEntry(store.initial, group, key)),
        ] as const,
      [store, group, key, read],
    ),
  );
  if (found !== undefined) return found;
  return fallback === undefined ? snapshotEntry(defaults, group, key) : fallback;
}

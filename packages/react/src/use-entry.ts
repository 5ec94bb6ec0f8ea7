import { type SnapshotGroup, snapshotEntry, snapshotValue } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { type ConfigScope, type ConfigSession, type ReadableStore, useSession } from './config-session.ts';

/** The public hook that reads, for its error message, and what it reads. */
export type EntryRequest = readonly [hook: string, group: SnapshotGroup, key: string];

/** Reads a value and subscribes to its key: the component renders again when the value changes. */
export function useValue(scope: ConfigScope, request: EntryRequest, fallback?: unknown): unknown {
  const [hook, group, key] = request;
  const session = useSession(scope, hook);
  const { store } = session;
  const value = useSyncExternalStore(
    useSubscribe(store, group, key),
    () => store.value(group, key),
    // Hydration must read what the server rendered, even if a change has arrived since.
    () => snapshotValue(store.initial, group, key),
  );
  return value === undefined ? defaultOf(session, request, fallback) : value;
}

/** Like {@link useValue}, with the reason for the value: it also renders again when only the reason changes. */
export function useDetails(scope: ConfigScope, request: EntryRequest, fallback?: unknown): unknown {
  const [hook, group, key] = request;
  const session = useSession(scope, hook);
  const { store } = session;
  const details = useSyncExternalStore(
    useSubscribe(store, group, key),
    () => store.entry(group, key),
    () => snapshotEntry(store.initial, group, key),
  );
  if (details !== undefined) return details;
  const value = defaultOf(session, request, fallback);
  return value === undefined ? undefined : { value, source: 'default' };
}

function defaultOf(session: ConfigSession, [, group, key]: EntryRequest, fallback: unknown): unknown {
  return fallback === undefined ? session.defaults[group]?.[key] : fallback;
}

function useSubscribe(
  store: ReadableStore,
  group: SnapshotGroup,
  key: string,
): (listener: () => void) => () => void {
  return useCallback((listener) => store.subscribe(`${group}.${key}`, listener), [store, group, key]);
}

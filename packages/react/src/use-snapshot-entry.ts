import type { Snapshot } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { useConfigStore } from './use-config-store.ts';

/**
 * Reads one entry of the snapshot and subscribes to it: the component renders again when the result of `read` changes.
 *
 * @param hook - the public hook that was called, for the error message.
 * @param name - the entry to subscribe to: `flags.newCheckout`.
 * @param read - must return the same object for the same entry.
 */
export function useSnapshotEntry<Entry>(
  hook: string,
  name: string,
  read: (snapshot: Snapshot | undefined) => Entry,
): Entry {
  const store = useConfigStore(hook);
  return useSyncExternalStore(
    useCallback((listener: () => void) => store.subscribe(name, listener), [store, name]),
    () => read(store.snapshot),
    // Hydration must read what the server rendered, even if a change has arrived since.
    () => read(store.initial),
  );
}

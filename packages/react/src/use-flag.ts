'use client';

import type { BrowserFlagValue, FlagKey } from '@smooai/config';
import { snapshotValue } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns the value of a flag for this visitor. The component renders again only when that value changes.
 * Returns `fallback` (default `undefined`) until the first snapshot, and if the snapshot does not have the flag.
 *
 * @throws {Error} outside a `ConfigProvider`.
 * @example
 * const newCheckout = useFlag('newCheckout'); // boolean
 */
export function useFlag<Key extends FlagKey>(
  key: Key,
  fallback?: BrowserFlagValue<Key>,
): BrowserFlagValue<Key> {
  const value = useSnapshotEntry('useFlag', `flags.${key}`, (snapshot) =>
    snapshotValue(snapshot, 'flags', key),
  );
  return (value === undefined ? fallback : value) as BrowserFlagValue<Key>;
}

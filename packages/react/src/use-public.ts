'use client';

import type { BrowserPublicValue, PublicKey } from '@smooai/config';
import { snapshotValue } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns a public value. The component renders again only when it changes.
 * Returns `fallback` (default `undefined`) until the first snapshot, and if the snapshot does not have the key.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function usePublic<Key extends PublicKey>(
  key: Key,
  fallback?: BrowserPublicValue<Key>,
): BrowserPublicValue<Key> {
  const value = useSnapshotEntry('usePublic', `public.${key}`, (snapshot) =>
    snapshotValue(snapshot, 'public', key),
  );
  return (value === undefined ? fallback : value) as BrowserPublicValue<Key>;
}

'use client';

import type { BrowserPublicValue, PublicKey } from '@smooai/config';
import { snapshotValue } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns a public value. The component renders again only when it changes.
 * If the snapshot does not have the key, or there is no snapshot yet, it returns `fallback` (default `undefined`).
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

'use client';

import type { LimitKey } from '@smooai/config';
import { snapshotValue } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns a limit for this visitor, already clamped. The component renders again only when it changes.
 * Returns `fallback` (default `undefined`) until the first snapshot, and if the snapshot does not have the limit.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useLimit(key: LimitKey, fallback?: number): number {
  const value = useSnapshotEntry('useLimit', `limits.${key}`, (snapshot) =>
    snapshotValue(snapshot, 'limits', key),
  );
  return (value === undefined ? fallback : value) as number;
}

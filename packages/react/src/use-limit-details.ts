'use client';

import type { LimitKey } from '@smooai/config';
import type { Evaluation } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns a limit's value and the reason for it, or undefined if the snapshot does not have the limit.
 * Unlike `useLimit`, it also renders again when only the reason changes.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useLimitDetails(key: LimitKey): Evaluation<number> | undefined {
  return useSnapshotEntry('useLimitDetails', `limits.${key}`, (snapshot) => snapshot?.limits[key]);
}

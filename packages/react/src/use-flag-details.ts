'use client';

import type { BrowserFlagValue, FlagKey } from '@smooai/config';
import type { Evaluation } from '@smooai/config/browser';
import { useSnapshotEntry } from './use-snapshot-entry.ts';

/**
 * Returns a flag's value and the reason for it, or undefined if the snapshot does not have the flag.
 * Unlike `useFlag`, it also renders again when only the reason changes.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useFlagDetails<Key extends FlagKey>(key: Key): Evaluation<BrowserFlagValue<Key>> | undefined {
  return useSnapshotEntry('useFlagDetails', `flags.${key}`, (snapshot) => snapshot?.flags[key]) as
    | Evaluation<BrowserFlagValue<Key>>
    | undefined;
}

'use client';

import type { BrowserFlagValue, FlagKey, LimitKey } from '@smooai/config';
import type { Evaluation } from '@smooai/config/browser';
import { useCallback, useSyncExternalStore } from 'react';
import { useStore } from './config-context.ts';

/**
 * A flag's value and how it came about; undefined where the snapshot does not have the flag.
 * Unlike `useFlag`, it also renders again when only the reason changes.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useFlagDetails<Key extends FlagKey>(key: Key): Evaluation<BrowserFlagValue<Key>> | undefined {
  return useDetails('useFlagDetails', 'flags', key) as Evaluation<BrowserFlagValue<Key>> | undefined;
}

/**
 * A limit's value and how it came about; undefined where the snapshot does not have the limit.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useLimitDetails(key: LimitKey): Evaluation<number> | undefined {
  return useDetails('useLimitDetails', 'limits', key) as Evaluation<number> | undefined;
}

function useDetails(hook: string, group: 'flags' | 'limits', key: string): Evaluation | undefined {
  const store = useStore(hook);
  const subscribe = useCallback(
    (listener: () => void) => store.subscribe(`${group}.${key}`, listener),
    [store, group, key],
  );
  return useSyncExternalStore(
    subscribe,
    () => store.snapshot?.[group][key],
    () => store.initial?.[group][key],
  );
}

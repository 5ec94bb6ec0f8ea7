'use client';

import type { BrowserFlagValue, FlagKey } from '@smooai/config';
import { useAnswer } from './use-answer.ts';

/**
 * The value of a flag for this visitor; the component renders again when that value changes, and only then.
 * Where the snapshot does not have the flag (or there is no snapshot yet), it is `fallback`: `undefined` by default.
 *
 * @throws {Error} outside a `ConfigProvider`.
 * @example
 * const newCheckout = useFlag('newCheckout'); // boolean
 */
export function useFlag<Key extends FlagKey>(
  key: Key,
  fallback?: BrowserFlagValue<Key>,
): BrowserFlagValue<Key> {
  return useAnswer('useFlag', 'flags', key, fallback) as BrowserFlagValue<Key>;
}

'use client';

import type { BrowserPublicValue, PublicKey } from '@smooai/config';
import { useAnswer } from './use-answer.ts';

/**
 * A public value; the component renders again when it changes.
 * Where the snapshot does not have it, it is `fallback`: `undefined` by default.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function usePublic<Key extends PublicKey>(
  key: Key,
  fallback?: BrowserPublicValue<Key>,
): BrowserPublicValue<Key> {
  return useAnswer('usePublic', 'public', key, fallback) as BrowserPublicValue<Key>;
}

'use client';

import type { LimitKey } from '@smooai/config';
import { useAnswer } from './use-answer.ts';

/**
 * A limit for this visitor, clamped already; the component renders again when it changes.
 * Where the snapshot does not have it, it is `fallback`: `undefined` by default.
 *
 * @throws {Error} outside a `ConfigProvider`.
 */
export function useLimit(key: LimitKey, fallback?: number): number {
  return useAnswer('useLimit', 'limits', key, fallback) as number;
}

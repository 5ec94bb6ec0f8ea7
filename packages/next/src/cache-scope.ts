import * as nextCache from 'next/cache';
import { cache } from 'react';

/** The tag of every cache entry that contains configuration. */
export const CONFIG_TAG = 'smooai-config';

/** Returns the tag of the cache entries that contain a key. */
export function configTag(key: string): string {
  return `${CONFIG_TAG}:${key}`;
}

type CacheTag = (...tags: string[]) => void;

/** Next 15 has it under its earlier name. */
const { cacheTag, unstable_cacheTag: earlierCacheTag } = nextCache as {
  cacheTag?: CacheTag;
  unstable_cacheTag?: CacheTag;
};

/**
 * Tags the entry of the surrounding `'use cache'` with keys. Returns false outside of one, where `cacheTag` throws, and in
 * an app without it.
 */
export function tagCacheEntry(keys: Iterable<string>): boolean {
  return !isOutside() && tagEntry(keys);
}

/** Found out once for each render, because an exception costs more than a read. Each `'use cache'` has its own `cache()`. */
const isOutside = cache(() => !tagEntry([]));

function tagEntry(keys: Iterable<string>): boolean {
  const tag = cacheTag ?? earlierCacheTag;
  try {
    tag?.(CONFIG_TAG, ...[...keys].map(configTag));
    return tag !== undefined;
  } catch {
    return false;
  }
}

import * as nextCache from 'next/cache';

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
 * Tags the entry of the surrounding `'use cache'` with keys. Returns false outside of one: `cacheTag` throws there, which
 * is the documented way to find out.
 */
export function tagCacheEntry(keys: Iterable<string>): boolean {
  try {
    (cacheTag ?? earlierCacheTag)?.(CONFIG_TAG, ...[...keys].map(configTag));
    return cacheTag !== undefined || earlierCacheTag !== undefined;
  } catch {
    return false;
  }
}

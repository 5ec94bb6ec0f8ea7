import * as nextCache from 'next/cache';
import { cache } from 'react';

/** The tag of every cache entry that contains configuration. */
export const CONFIG_TAG = 'smooai-config';

/**
 * Returns the tag of the cache entries that contain a key. Characters outside of ASCII are encoded, because Next.js encodes them
 * in the tags of entries, and a cache handler compares tags as they are. So are commas, which separate the tags of a page.
 * Next.js drops longer tags, so a tag is cut off: keys with the same beginning then expire together.
 */
export function configTag(key: string): string {
  return `${CONFIG_TAG}:${key}`.replace(/[^\t -+\--~]+/g, encodeURIComponent).slice(0, MAX_TAG_LENGTH);
}

/** Returns the tags of an entry with these keys, in lists that Next.js takes. */
export function entryTags(keys: Iterable<string>): string[][] {
  const tags = [...keys].map(configTag);
  const lists: string[][] = [];
  do lists.push([CONFIG_TAG, ...tags.splice(0, TAGS_PER_CALL)]);
  while (tags.length > 0);
  return lists;
}

const MAX_TAG_LENGTH = 256;

type CacheTag = (...tags: string[]) => void;

/** Next 15 has it under its earlier name. */
const { cacheTag, unstable_cacheTag: earlierCacheTag } = nextCache as {
  cacheTag?: CacheTag;
  unstable_cacheTag?: CacheTag;
};

/** Next drops tags of a call that has more than 128. */
const TAGS_PER_CALL = 100;

/** Whether this process has tagged an entry. A global symbol, because Next may load this module several times. */
const TAGGED: unique symbol = Symbol.for('@smooai/config-next/has-tagged') as never;

/** Whether code of this process has read keys inside `'use cache'`. */
export function hasTaggedEntries(): boolean {
  return (globalThis as { [TAGGED]?: boolean })[TAGGED] === true;
}

/**
 * Tags the entry of the surrounding `'use cache'` with keys. Returns false outside of one, where `cacheTag` throws, and in
 * an app without it.
 */
export function tagCacheEntry(keys: Iterable<string>): boolean {
  if (isOutside() || !tagEntry(keys)) return false;
  (globalThis as { [TAGGED]?: boolean })[TAGGED] = true;
  return true;
}

/** Found out once for each render, because an exception costs more than a read. Each `'use cache'` has its own `cache()`. */
const isOutside = cache(() => !tagEntry([]));

function tagEntry(keys: Iterable<string>): boolean {
  const tag = cacheTag ?? earlierCacheTag;
  if (tag === undefined) return false;
  try {
    for (const tags of entryTags(keys)) tag(...tags);
    return true;
  } catch {
    return false;
  }
}

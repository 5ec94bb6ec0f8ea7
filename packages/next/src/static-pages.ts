import * as nextCache from 'next/cache';
import { entryTags } from './cache-scope.ts';
import { pageWork } from './page-work.ts';

/**
 * How long a rendering may take. Next compares the time of a change with that of the end of a rendering, so a page that
 * was rendered meanwhile would keep the old value.
 */
export const RENDERING_MS = 30_000;

/** When static pages of this process last read each key. A global symbol, because Next may load this module several times. */
const READS: unique symbol = Symbol.for('@smooai/config-next/static-reads') as never;

type Cached = (
  run: () => Promise<boolean>,
  key: string[],
  options: { tags: string[] },
) => () => Promise<boolean>;

const { unstable_cache: cached } = nextCache as { unstable_cache?: Cached };

/**
 * Tags the page that is rendered with keys, if it is static: then its entry expires when one of them changes, as those of
 * `'use cache'` do. Only the tags are of use: what Next stores with them says `true`, so no value gets into a cache.
 */
export async function tagStaticPage(keys: readonly string[]): Promise<void> {
  const work = pageWork();
  if (work?.forceStatic !== true || work.isDraftMode === true || cached === undefined) return;
  // Next renders these pages for each request in development.
  if (process.env.NODE_ENV === 'development') return;
  const now = performance.now();
  for (const key of keys) reads().set(key, now);
  for (const tags of entryTags(keys)) await cached(async () => true, tags, { tags })();
}

/** Whether this process has rendered static pages with configuration. */
export function hasStaticPages(): boolean {
  return reads().size > 0;
}

/** Returns those of the keys that a static page has read so lately that its rendering may not have ended. */
export function keysInRendering(keys: readonly string[]): string[] {
  const since = performance.now() - RENDERING_MS;
  return keys.filter((key) => (reads().get(key) ?? Number.NEGATIVE_INFINITY) >= since);
}

function reads(): Map<string, number> {
  const holder = globalThis as { [READS]?: Map<string, number> };
  holder[READS] ??= new Map();
  return holder[READS];
}

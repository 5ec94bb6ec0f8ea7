import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { CONFIG_TAG, configTag } from './cache-scope.ts';

/** The part of Next's cache handlers that is used here. */
interface CacheHandler {
  updateTags?: (tags: string[]) => Promise<void>;
}

/** Where Next 16 keeps its cache handlers. It is not documented, so each part may be missing. */
const HANDLERS: unique symbol = Symbol.for('@next/cache-handlers-set') as never;

/** The clients that are watched. A global symbol, because Next may load this module several times in one process. */
const CLIENTS: unique symbol = Symbol.for('@smooai/config-next/clients') as never;

/**
 * Expires the entries of `'use cache'` that contain a changed key, from now on. `revalidateTag` would do the same, but it
 * works inside a request only. Entries of the build expire at once: they were made with the values of another moment, and
 * perhaps of another environment.
 */
export function expireEntriesOnChange<C extends AnyConfig>(client: ConfigClient<C>): void {
  const holder = globalThis as { [CLIENTS]?: WeakSet<object> };
  holder[CLIENTS] ??= new WeakSet();
  if (holder[CLIENTS].has(client)) return;
  holder[CLIENTS].add(client);
  expire([CONFIG_TAG]);
  client.subscribe(({ keys }) => expire(keys.map(configTag)));
}

function expire(tags: string[]): void {
  const handlers = (globalThis as { [HANDLERS]?: Iterable<CacheHandler> })[HANDLERS];
  for (const handler of handlers ?? []) {
    handler.updateTags?.(tags).catch(() => {
      // biome-ignore lint/suspicious/noConsole: otherwise, pages with old values have no explanation
      console.warn('@smooai/config-next: a cache handler could not expire entries with changed values.');
    });
  }
}

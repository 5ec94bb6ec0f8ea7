import type { AnyConfig } from '@smooai/config';
import type { ConfigClient } from '@smooai/config/server';
import { CONFIG_TAG, configTag, hasTaggedEntries } from './cache-scope.ts';
import { RevalidateSender } from './revalidate-sender.ts';
import { type RevalidateOptions, revalidateSecret, revalidateUrl } from './revalidate-settings.ts';
import { hasStaticPages, keysInRendering, RENDERING_MS } from './static-pages.ts';

/** The part of Next's cache handlers that is used here. */
interface CacheHandler {
  updateTags?: (tags: string[]) => Promise<void> | void;
}

/** Where Next 16 keeps its cache handlers. It is not documented, so each part may be missing. */
const HANDLERS: unique symbol = Symbol.for('@next/cache-handlers-set') as never;

/** How often a process looks for the handlers. Next creates them with the first request, so nothing is served before. */
const FIND_HANDLERS_MS = 500;

/** The clients that are watched. A global symbol, because Next may load this module several times in one process. */
const CLIENTS: unique symbol = Symbol.for('@smooai/config-next/clients') as never;

/**
 * Expires the cache entries that contain a changed key, from now on. `revalidateTag` would do the same, but it works inside
 * a request only, so this uses Next's cache handlers. Where they are not found, as in Next 15, the process sends a request
 * to the app's own route, if it knows its URL. Entries of the build expire at once: they were made with the values of
 * another moment, and perhaps of another environment.
 */
export function expireEntriesOnChange<C extends AnyConfig>(
  client: ConfigClient<C>,
  options?: RevalidateOptions,
): void {
  const holder = globalThis as { [CLIENTS]?: WeakSet<object> };
  holder[CLIENTS] ??= new WeakSet();
  if (holder[CLIENTS].has(client)) return;
  holder[CLIENTS].add(client);
  const byRequest = senderOf(options);
  client.onClose(() => byRequest?.close());
  const expire = (keys: readonly string[]): void => {
    if (expireByHandlers(keys.map(configTag))) return;
    if (byRequest !== undefined) byRequest.send(keys);
    else if (hasTaggedEntries() || hasStaticPages()) warnOnce();
  };
  if (!expireByHandlers([CONFIG_TAG])) {
    if (byRequest === undefined) expireAllOnceFound(client);
    else byRequest.send('all');
  }
  client.subscribe(({ keys }) => {
    expire(keys);
    const rendering = keysInRendering(keys);
    if (rendering.length > 0) whileOpen(client, RENDERING_MS, () => expire(rendering));
  });
}

/** Expires all entries when Next has created its handlers. Its servers alone have any: tests and scripts do not wait. */
function expireAllOnceFound(client: Closable): void {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  whileOpen(client, FIND_HANDLERS_MS, () => {
    if (!expireByHandlers([CONFIG_TAG])) expireAllOnceFound(client);
  });
}

type Closable = Pick<ConfigClient<AnyConfig>, 'onClose'>;

/** Calls `call` after a time, unless the client is closed before. Keeps no process alive. */
function whileOpen(client: Closable, ms: number, call: () => void): void {
  const timer = setTimeout(() => {
    removeListener();
    call();
  }, ms);
  (timer as { unref?: () => void }).unref?.();
  const removeListener = client.onClose(() => clearTimeout(timer));
}

function senderOf(options?: RevalidateOptions): RevalidateSender | undefined {
  const [secret, url] = [revalidateSecret(options), revalidateUrl(options)];
  return secret === undefined || url === undefined ? undefined : new RevalidateSender(url, secret);
}

/** Returns whether there are cache handlers that can expire entries. */
function expireByHandlers(tags: string[]): boolean {
  const handlers = [...((globalThis as { [HANDLERS]?: Iterable<CacheHandler> })[HANDLERS] ?? [])];
  const able = handlers.filter((handler) => typeof handler.updateTags === 'function');
  for (const handler of able) void expireIn(handler, tags);
  return able.length > 0;
}

/** Never rejects. An app can have a handler of its own, which may also throw at once, or return nothing. */
async function expireIn(handler: CacheHandler, tags: string[]): Promise<void> {
  try {
    await handler.updateTags?.(tags);
  } catch {
    // biome-ignore lint/suspicious/noConsole: otherwise, pages with old values have no explanation
    console.warn('@smooai/config-next: a cache handler could not expire entries with changed values.');
  }
}

let hasWarned = false;

function warnOnce(): void {
  if (hasWarned) return;
  hasWarned = true;
  // biome-ignore lint/suspicious/noConsole: otherwise, pages with old values have no explanation
  console.warn(
    "@smooai/config-next: values changed, but Next's cache handlers were not found, so cached pages keep the old ones until they expire. Set SMOOAI_CONFIG_REVALIDATE_SECRET, and SMOOAI_CONFIG_REVALIDATE_URL to the route that exports POST of handlers.",
  );
}

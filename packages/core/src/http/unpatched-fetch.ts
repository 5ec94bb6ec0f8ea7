/** The type of a `fetch` that replaces the global one. */
export type Fetch = typeof globalThis.fetch;

/** What Next.js adds to the global `fetch` that it patches. Each part may be missing in another version. */
interface NextFetch extends Fetch {
  _nextOriginalFetch?: unknown;
  __nextGetStaticStore?: () => RequestStore | undefined;
}

/** The part of an AsyncLocalStorage that is used here. */
interface RequestStore {
  getStore(): unknown;
  exit<Result>(callback: () => Result): Result;
}

/**
 * The global `fetch`, without the cache that Next.js puts in front of it. That cache writes responses to disk in clear,
 * and `cache: 'no-store'` does not prevent it: a page can override it (`fetchCache = 'force-cache'`) or forbid it
 * (`'only-cache'`). Tokens and secrets must not be stored there.
 */
export const unpatchedFetch: Fetch = (input, init) => {
  // Looked up at each call: frameworks and test tools replace it, and Node loads its own lazily, which importing this
  // package should not trigger.
  const current: NextFetch = globalThis.fetch;
  const original = current._nextOriginalFetch;
  const fetch = typeof original === 'function' ? (original as Fetch) : current;
  const send = (): Promise<Response> => fetch(input, init);
  // A patched `fetch` underneath does nothing outside of a request.
  const store = current.__nextGetStaticStore?.();
  return store?.getStore() === undefined ? send() : store.exit(send);
};

const WRAPPERS = new WeakSet<Fetch>();

/** Marks a function as a wrapper of {@link unpatchedFetch}. */
export function markAsWrapper(fetch: Fetch): Fetch {
  WRAPPERS.add(fetch);
  return fetch;
}

/** Whether requests go through the global `fetch`, and not through one of the user. */
export function callsGlobalFetch(fetch: Fetch): boolean {
  return fetch === unpatchedFetch || WRAPPERS.has(fetch);
}

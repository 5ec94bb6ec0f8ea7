/** What Next knows about the page that is rendered. It is not documented, so each part may be missing. */
export interface PageWork {
  page?: string;
  route?: string;
  forceStatic?: boolean;
  forceDynamic?: boolean;
  isDraftMode?: boolean;
  cacheComponentsEnabled?: boolean;
}

/** Next's `fetch` gives access to the page that is rendered. */
interface NextFetch {
  __nextGetStaticStore?: () => { getStore?: () => PageWork | undefined } | undefined;
}

/** Returns what Next knows about the page that is rendered; undefined outside of one. */
export function pageWork(): PageWork | undefined {
  return (globalThis.fetch as NextFetch | undefined)?.__nextGetStaticStore?.()?.getStore?.();
}

/** What Next knows about the page that is rendered. It is not documented, so each part may be missing. */
interface PageWork {
  page?: string;
  route?: string;
  forceStatic?: boolean;
  forceDynamic?: boolean;
  cacheComponentsEnabled?: boolean;
}

/** Next's `fetch` gives access to the page that is rendered. */
interface NextFetch {
  __nextGetStaticStore?: () => { getStore?: () => PageWork | undefined } | undefined;
}

/** The routes with a hint. A global symbol, because a hot reload loads this module again. */
const HINTED: unique symbol = Symbol.for('@smooai/config-next/hinted') as never;

/**
 * In development, prints which read made a page dynamic, once for each route. With `cacheComponents`, Next itself reports
 * reads outside of `Suspense`, and the rest of a page stays static.
 */
export function hintAtDynamicPage(read: string): void {
  if (process.env.NODE_ENV !== 'development') return;
  const work = (globalThis.fetch as NextFetch | undefined)?.__nextGetStaticStore?.()?.getStore?.();
  if (work?.route === undefined || work.page?.endsWith('/page') !== true) return;
  if (work.cacheComponentsEnabled === true || work.forceStatic === true || work.forceDynamic === true) return;
  const holder = globalThis as { [HINTED]?: Set<string> };
  holder[HINTED] ??= new Set();
  if (holder[HINTED].has(work.route)) return;
  holder[HINTED].add(work.route);
  // biome-ignore lint/suspicious/noConsole: in development only
  console.info(
    `@smooai/config-next: ${work.route} is rendered for each request, because of ${read}. To keep the rest of the page static, set cacheComponents; to use the values of the build, export dynamic = 'force-static'.`,
  );
}

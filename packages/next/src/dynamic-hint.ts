import { pageWork } from './page-work.ts';

/** The routes with a hint. A global symbol, because a hot reload loads this module again. */
const HINTED: unique symbol = Symbol.for('@smooai/config-next/hinted') as never;

/**
 * In development, prints which read made a page dynamic, once for each route. With `cacheComponents`, Next itself reports
 * reads outside of `Suspense`, and the rest of a page stays static.
 */
export function hintAtDynamicPage(read: string): void {
  if (process.env.NODE_ENV !== 'development') return;
  const work = pageWork();
  if (work?.route === undefined || work.page?.endsWith('/page') !== true) return;
  if (work.cacheComponentsEnabled === true || work.forceStatic === true || work.forceDynamic === true) return;
  const holder = globalThis as { [HINTED]?: Set<string> };
  holder[HINTED] ??= new Set();
  if (holder[HINTED].has(work.route)) return;
  holder[HINTED].add(work.route);
  // biome-ignore lint/suspicious/noConsole: in development only
  console.info(
    `@smooai/config-next: ${work.route} is rendered for each request, because of ${read}. To keep the rest of the page static, set cacheComponents; to render it once for everyone, until a value changes, export dynamic = 'force-static'.`,
  );
}

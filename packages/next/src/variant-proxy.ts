import { isConfigError, OptionsError } from '@smooai/config';
import { NextResponse } from 'next/server';
import { contextInTime } from './context-in-time.ts';
import { DEFAULT_CODE } from './variant-code.ts';

/** The part of the variants of a page that {@link variantProxy} needs. */
export interface VariantRoute {
  code: () => Promise<string>;
  accepts: (code: string) => boolean;
}

/** The part of `NextRequest` that is used here. Next's own type does not compile without `skipLibCheck`. */
export interface VariantRequest {
  readonly nextUrl: { readonly pathname: string; clone(): { pathname: string; toString(): string } };
  readonly signal: AbortSignal;
}

/** The folder of the pages with variants, below `app`. */
const FOLDER = '/variants';

/** A path in that folder: its code, and the path of the page. */
const IN_FOLDER = new RegExp(`^${FOLDER}/([^/]+)(/.*)?$`);

/**
 * Returns a function for `proxy.ts` that shows each visitor the variant of a page: `/pricing` becomes
 * `/variants/CODE/pricing`, whose page is `app/variants/[variant]/pricing/page.tsx`. The function resolves with undefined for
 * all other paths. A path with a code that is not valid becomes that of the default variant, so that it cannot fill a cache.
 * So does the path of a visitor whose `context` throws, or takes more than 10 s.
 *
 * Keys are paths as in the app folder: `/products/[slug]`, `/docs/[...path]` and `/help/[[...path]]`.
 *
 * @throws {OptionsError} for a path that does not start with `/`.
 * @example
 * export const proxy = variantProxy({ '/pricing': pricing, '/products/[slug]': product });
 */
export function variantProxy(
  pages: Readonly<Record<string, VariantRoute>>,
): (request: VariantRequest) => Promise<Response | undefined> {
  const routes = Object.entries(pages).map(([path, variants]) => ({ pattern: patternOf(path), variants }));
  return async (request) => {
    const { pathname } = request.nextUrl;
    const [, given, rest = '/'] = IN_FOLDER.exec(pathname) ?? [];
    const path = given === undefined ? pathname : rest;
    const variants = routes.find(({ pattern }) => pattern.test(path))?.variants;
    if (variants === undefined || (given !== undefined && variants.accepts(given))) return undefined;
    const code = given === undefined ? await codeFor(request, variants) : DEFAULT_CODE;
    const url = request.nextUrl.clone();
    url.pathname = `${FOLDER}/${code}${path === '/' ? '' : path}`;
    // The page may be stored by everyone at its own path, but not at this one, which differs by visitor.
    return NextResponse.rewrite(url.toString(), { headers: { 'cache-control': 'private, no-cache' } });
  };
}

const WITH_DEFAULTS = 'a page with variants is shown with the defaults of its flags';

/** What a visitor's context depends on may be down. A static page is there all the same. */
async function codeFor({ signal }: VariantRequest, variants: VariantRoute): Promise<string> {
  try {
    const code = await contextInTime(variants.code(), signal, WITH_DEFAULTS);
    return typeof code === 'string' ? code : DEFAULT_CODE;
  } catch (error) {
    // A mistake in the settings, which must not go unnoticed.
    if (isConfigError(error)) throw error;
    // biome-ignore lint/suspicious/noConsole: the page does not show why values are missing
    console.error(`@smooai/config-next: ${WITH_DEFAULTS}, because "context" failed.`, error);
    return DEFAULT_CODE;
  }
}

function patternOf(path: string): RegExp {
  if (!path.startsWith('/')) {
    throw new OptionsError('pages', `variantProxy: the path ${JSON.stringify(path)} must start with "/".`);
  }
  const source = path
    .replace(/\/$/, '')
    .replace(/[.*+?^${}()|\\]/g, '\\$&')
    .replace(/\/\[\[\\\.\\\.\\\.[^\]]+\]\]/g, '(?:/.+)?')
    .replace(/\[\\\.\\\.\\\.[^\]]+\]/g, '.+')
    .replace(/\[[^\]]+\]/g, '[^/]+');
  return new RegExp(`^${source}/?$`);
}

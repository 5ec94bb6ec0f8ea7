import type { FetchOptions } from 'ofetch';

type Ofetch = typeof import('ofetch');

/** The interceptors of ofetch that a request can have, and how many further attempts they may allow. */
export type Interceptors = Pick<
  FetchOptions,
  'retry' | 'retryStatusCodes' | 'onRequest' | 'onRequestError' | 'onResponseError'
>;

let loaded: Ofetch | undefined;

/** Returns ofetch if it has been loaded. */
export function loadedOfetch(): Ofetch | undefined {
  return loaded;
}

/**
 * Loads ofetch, which is done with the first request: it takes longer to import than the rest of this package. The
 * CommonJS build calls `require` here, because Jest has no dynamic import in CommonJS.
 */
export async function loadOfetch(): Promise<Ofetch> {
  loaded ??= await import('ofetch');
  return loaded;
}

import { onTestFinished, vi } from 'vitest';

/** The origin of the page in tests. */
export const PAGE_ORIGIN = 'http://localhost:3000';

const nodeFetch = globalThis.fetch;

/** Requests name the page's origin, as those of every browser do. */
export const fetchAsPage: typeof fetch = (input, init) => {
  const request = new Request(input, init);
  request.headers.set('origin', PAGE_ORIGIN);
  return nodeFetch(request);
};

/** All requests come from a page until the test ends. */
export function actAsPage(): void {
  vi.stubGlobal('fetch', fetchAsPage);
  onTestFinished(() => void vi.unstubAllGlobals());
}

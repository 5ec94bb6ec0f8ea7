import { Agent, EventSource } from 'undici';
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

const agent = new Agent();
const fromPage = agent.compose((dispatch) => (options, handler) => {
  const headers = { ...(options.headers as Record<string, string>), origin: PAGE_ORIGIN };
  return dispatch({ ...options, headers }, handler);
});

/** The page has an `EventSource`, as every browser does, until the test ends. Returns the URLs that it opens. */
export function provideEventSource(): string[] {
  const opened: string[] = [];
  class PageEventSource extends EventSource {
    constructor(url: string) {
      super(url, { node: { dispatcher: fromPage } });
      opened.push(url);
    }
  }
  vi.stubGlobal('EventSource', PageEventSource);
  onTestFinished(() => void vi.unstubAllGlobals());
  return opened;
}

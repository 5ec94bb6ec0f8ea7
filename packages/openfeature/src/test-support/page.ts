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

const agent = new Agent();
const fromPage = agent.compose((dispatch) => (options, handler) => {
  const headers = { ...(options.headers as Record<string, string>), origin: PAGE_ORIGIN };
  return dispatch({ ...options, headers }, handler);
});

/** The `EventSource` of a page, which Node does not have. */
export class PageEventSource extends EventSource {
  constructor(url: string) {
    super(url, { node: { dispatcher: fromPage } });
  }
}

/** All requests come from a page until the test ends. */
export function actAsPage(): void {
  vi.stubGlobal('fetch', fetchAsPage);
  vi.stubGlobal('EventSource', PageEventSource);
  onTestFinished(() => void vi.unstubAllGlobals());
}

/** The page has an `EventSource`, as every browser does, until the test ends. Returns the URLs that it opens. */
export function provideEventSource(): string[] {
  const opened: string[] = [];
  class NotingEventSource extends PageEventSource {
    constructor(url: string) {
      super(url);
      opened.push(url);
    }
  }
  vi.stubGlobal('EventSource', NotingEventSource);
  onTestFinished(() => void vi.unstubAllGlobals());
  return opened;
}

import { EventSource } from 'eventsource';

/** The origin of the page in tests. */
export const PAGE_ORIGIN = 'http://localhost:3000';

/** An EventSource that names the origin of its page, as one of a browser does. */
export class BrowserEventSource extends EventSource {
  constructor(url: string | URL) {
    super(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, origin: PAGE_ORIGIN } }),
    });
  }
}

import { createParser } from 'eventsource-parser';

const TYPE = 'text/event-stream';

/**
 * The `EventSource` of browsers, over the global `fetch`, which a test can replace. After an error it does not connect
 * again: the code under test closes it before a browser would do so.
 */
class FetchEventSource extends EventTarget {
  static readonly CLOSED = 2;
  readyState = 0;
  onerror: (() => void) | undefined;
  readonly #end = new AbortController();

  constructor(url: string) {
    super();
    void this.#read(url);
  }

  close(): void {
    this.readyState = FetchEventSource.CLOSED;
    this.#end.abort();
  }

  async #read(url: string): Promise<void> {
    try {
      const { signal } = this.#end;
      const response = await fetch(url, { signal, headers: { accept: TYPE }, cache: 'no-store' });
      // A replaced `fetch` may ignore the signal.
      if (!this.#isOpen) return;
      if (response.status !== 200 || !response.headers.get('content-type')?.startsWith(TYPE)) {
        this.#fail(FetchEventSource.CLOSED);
        return;
      }
      const parser = createParser({
        onEvent: ({ event = 'message', data }) => {
          if (this.#isOpen) this.dispatchEvent(new MessageEvent(event, { data }));
        },
      });
      this.readyState = 1;
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
        parser.feed(read.value);
      }
    } catch {
      // The connection was lost or closed.
    }
    this.#fail(0);
  }

  get #isOpen(): boolean {
    return this.readyState !== FetchEventSource.CLOSED;
  }

  #fail(state: number): void {
    if (!this.#isOpen) return;
    this.readyState = state;
    this.onerror?.();
  }
}

globalThis.EventSource = FetchEventSource as never;

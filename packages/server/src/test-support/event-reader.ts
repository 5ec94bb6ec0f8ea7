import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { onTestFinished } from 'vitest';
import type { Shop } from './shop-server.ts';

/** An event with its parsed JSON. */
export interface ReadEvent {
  id: string | undefined;
  event: string | undefined;
  data: Record<string, never>;
}

const TIMEOUT_MS = 60_000;
/** The real ones: a test that stops the clock would also stop the time limit, and a failure would be a mute time-out. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** Reads the server-sent events of a response one by one. */
export class EventReader {
  readonly response: Response;
  readonly comments: string[] = [];
  readonly #events: ReadEvent[] = [];
  readonly #abort: AbortController;
  readonly #waiting = new Set<() => void>();
  #isEnded = false;

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    void this.#read();
  }

  /** Opens a stream below `…/config`; it is closed when the test ends. */
  static open(shop: Shop, path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const { url, organizationId } = shop.server;
    return EventReader.openUrl(`${url}/organizations/${organizationId}/config${path}`, {
      authorization: `Bearer ${shop.token}`,
      ...headers,
    });
  }

  /** Opens a stream; it is closed when the test ends. */
  static async openUrl(url: string, headers: Record<string, string>): Promise<EventReader> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    const reader = new EventReader(response, abort);
    onTestFinished(() => reader.close());
    return reader;
  }

  /** Returns the next event. Throws if none arrives in time or the stream has ended. */
  async next(): Promise<ReadEvent> {
    await this.#until(() => this.#events.length > 0 || this.#isEnded, 'an event');
    const event = this.#events.shift();
    if (event === undefined) throw new Error('The stream has ended.');
    return event;
  }

  /** How many events have arrived and were not read yet. */
  get waiting(): number {
    return this.#events.length;
  }

  /** Resolves when the server has ended the stream. */
  ended(): Promise<void> {
    return this.#until(() => this.#isEnded, 'the end');
  }

  /** Resolves when a comment has arrived. */
  comment(): Promise<void> {
    return this.#until(() => this.comments.length > 0, 'a comment');
  }

  close(): void {
    this.#abort.abort();
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    // A timer and not the clock, which some tests set forward.
    let isLate = false;
    const timer = startTimer(() => {
      isLate = true;
      this.#wake();
    }, TIMEOUT_MS);
    try {
      while (!condition()) {
        if (isLate) throw new Error(`Timed out while waiting for ${what} of the stream.`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      stopTimer(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onEvent: (message: EventSourceMessage) => {
        if (message.event === 'ping') return;
        this.#events.push({ id: message.id, event: message.event, data: JSON.parse(message.data) });
      },
      onComment: (comment) => {
        this.comments.push(comment);
      },
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        this.#wake();
      }
    } catch {
      // Cut off by the test or the server, which is an end too.
    }
    this.#isEnded = true;
    this.#wake();
  }
}

import type { ConfigApi } from '../api/config-api.ts';
import { RequestTransportError } from '../errors.ts';
import { createBackoff, sleep, unref } from '../http/backoff.ts';
import { retryAfterMsOf } from '../http/transient-failure.ts';
import type { RulesetSink } from './ruleset-source.ts';
import { StreamEvents, StreamGapError } from './stream-events.ts';

/** Options of {@link runEventStream}. Times are in milliseconds. */
export interface EventStreamOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
  /** How long a connection may take from the request to its first whole event or comment. */
  openTimeoutMs: number;
  /** The connection is given up when no whole event and no comment came for so long. */
  heartbeatTimeoutMs: number;
  /** Longest wait between two connections, unless the server asks for more. */
  reconnectCapMs: number;
  /** Called when a connection has brought its first whole event or comment, before that is handed on. */
  onWorking: () => void;
  /** Called when a connection ended or could not be made, before the wait for the next. */
  onLost: (error: unknown) => void;
}

const RECONNECT_BASE_MS = 250;
/** After a connection that lived so long the next is tried soon; after others, at growing distances. */
const STABLE_MS = 5_000;

/** Keeps one event stream open until the signal aborts, resuming after the revision in hand. Never rejects. */
export async function runEventStream(options: EventStreamOptions): Promise<void> {
  const { signal, onLost, reconnectCapMs } = options;
  const backoff = createBackoff({
    baseMs: Math.min(RECONNECT_BASE_MS, reconnectCapMs),
    capMs: reconnectCapMs,
  });
  let resumes = true;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const error: unknown = await readOneStream(options, resumes).catch((reason: unknown) => reason);
    if (signal.aborted) return;
    resumes = !(error instanceof StreamGapError);
    onLost(error);
    if (performance.now() - startedAt >= STABLE_MS) backoff.reset();
    await sleep(Math.max(backoff.next(), retryAfterMsOf(error)), { signal, keepsAlive: false });
  }
}

async function readOneStream(options: EventStreamOptions, resumes: boolean): Promise<void> {
  const { api, environment, sink, signal } = options;
  const connection = new AbortController();
  const abort = (): void => connection.abort();
  signal.addEventListener('abort', abort, { once: true });
  const watchdog = new Watchdog(options.openTimeoutMs, abort);
  const { revision, epoch } = sink;
  const isResumed = resumes && revision !== undefined;
  let isWorking = false;
  const events = new StreamEvents({
    sink,
    isResumed,
    onHeard: () => {
      watchdog.touch(options.heartbeatTimeoutMs);
      if (isWorking) return;
      isWorking = true;
      options.onWorking();
    },
  });
  try {
    const position = isResumed ? { lastEventId: revision, epoch } : {};
    const call = { signal: connection.signal, retries: 0 };
    await readAll(await api.openStream(environment, { ...position, ...call }), events);
  } catch (error) {
    throw watchdog.reason ?? error;
  } finally {
    watchdog.stop();
    signal.removeEventListener('abort', abort);
    connection.abort();
  }
}

async function readAll(body: ReadableStream<Uint8Array>, events: StreamEvents): Promise<void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      events.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/**
 * Ends a connection that is silent. It looks at the wall clock, since timers of a process that was frozen know nothing
 * of the time meanwhile.
 */
class Watchdog {
  readonly #onTimeout: () => void;
  #timeoutMs: number;
  #heardAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Why the connection was ended; undefined where it was not by this. */
  reason: RequestTransportError | undefined;

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    this.#look();
  }

  touch(timeoutMs: number): void {
    this.#heardAt = Date.now();
    if (timeoutMs === this.#timeoutMs) return;
    this.#timeoutMs = timeoutMs;
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    clearTimeout(this.#timer);
    // A clock that was set back must not make it wait longer.
    this.#heardAt = Math.min(this.#heardAt, Date.now());
    const leftMs = this.#timeoutMs - (Date.now() - this.#heardAt);
    if (leftMs <= 0) {
      this.reason = new RequestTransportError(
        `The config stream was silent for ${this.#timeoutMs} ms. Check the network, and that no proxy holds streams back.`,
        { reason: 'timeout' },
      );
      this.#onTimeout();
      return;
    }
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, Math.max(50, this.#timeoutMs / 3)));
    unref(this.#timer);
  }
}

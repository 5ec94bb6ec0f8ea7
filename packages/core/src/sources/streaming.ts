import type { ConfigApi } from '../api/config-api.ts';
import { RequestTransportError } from '../errors.ts';
import { createBackoff, sleep, unref } from '../http/backoff.ts';
import { onAbort } from '../http/on-abort.ts';
import { retryDelayMs } from './retry-delay.ts';
import { RulesetEvents, StreamGapError } from './ruleset-events.ts';
import type { RulesetSink } from './ruleset-source.ts';

/** Options of {@link runStreaming}; all times are in milliseconds. */
export interface StreamingOptions {
  api: ConfigApi;
  environment: string;
  sink: RulesetSink;
  signal: AbortSignal;
  /** Time from the request to the first whole event or comment. */
  openTimeoutMs: number;
  /** Time without a whole event or comment after which the connection is closed. */
  heartbeatTimeoutMs: number;
  /** Longest wait between two connections, unless the server asks for a longer one. */
  reconnectCapMs: number;
  /** Called once for each connection, when its first whole event or comment arrives, before the sink is called. */
  onOpen: () => void;
  /** Called when a connection ended or could not be opened, before the wait for the next. */
  onLost: (error: unknown) => void;
}

const RECONNECT_BASE_MS = 250;
/** A connection that lasted this long resets the backoff. */
const STABLE_MS = 5_000;

/** Keeps an event stream open until the signal aborts, resuming after the newest revision. Never rejects. */
export async function runStreaming(options: StreamingOptions): Promise<void> {
  const { signal, onLost, reconnectCapMs } = options;
  const backoff = createBackoff({
    baseMs: Math.min(RECONNECT_BASE_MS, reconnectCapMs),
    capMs: reconnectCapMs,
  });
  let canResume = true;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const error: unknown = await readOneStream(options, canResume).catch((reason: unknown) => reason);
    if (signal.aborted) return;
    canResume = !(error instanceof StreamGapError);
    onLost(error);
    if (performance.now() - startedAt >= STABLE_MS) backoff.reset();
    await sleep(retryDelayMs(backoff, error), { signal, keepsAlive: false });
  }
}

async function readOneStream(options: StreamingOptions, canResume: boolean): Promise<void> {
  const { api, environment, sink, signal } = options;
  const connection = new AbortController();
  const abort = (): void => connection.abort();
  const removeListener = onAbort(signal, abort);
  const watchdog = new Watchdog(options.openTimeoutMs, abort);
  const { revision, epoch } = sink;
  const isResumed = canResume && revision !== undefined;
  let isOpen = false;
  const events = new RulesetEvents({
    sink,
    isResumed,
    onActivity: () => {
      watchdog.reset(options.heartbeatTimeoutMs);
      if (isOpen) return;
      isOpen = true;
      options.onOpen();
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
    removeListener();
    connection.abort();
  }
}

async function readAll(body: ReadableStream<Uint8Array>, events: RulesetEvents): Promise<void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  // The caller ends the connection, and with it the body.
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    events.feed(decoder.decode(value, { stream: true }));
  }
}

/**
 * Closes a connection that has been silent for too long. It compares wall-clock times, since timers stand still while a
 * machine sleeps.
 */
class Watchdog {
  readonly #onTimeout: () => void;
  #timeoutMs: number;
  #lastActivityAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Set when this watchdog closed the connection. */
  reason: RequestTransportError | undefined;

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#onTimeout = onTimeout;
    this.#check();
  }

  reset(timeoutMs: number): void {
    this.#lastActivityAt = Date.now();
    if (timeoutMs === this.#timeoutMs) return;
    this.#timeoutMs = timeoutMs;
    this.#check();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    clearTimeout(this.#timer);
    // If the clock was set back, it must not wait longer.
    this.#lastActivityAt = Math.min(this.#lastActivityAt, Date.now());
    const leftMs = this.#timeoutMs - (Date.now() - this.#lastActivityAt);
    if (leftMs <= 0) {
      this.reason = new RequestTransportError(
        `The config stream was silent for ${this.#timeoutMs} ms. Check the network, and that no proxy buffers streams.`,
        { reason: 'timeout' },
      );
      this.#onTimeout();
      return;
    }
    this.#timer = setTimeout(() => this.#check(), Math.min(leftMs, Math.max(50, this.#timeoutMs / 3)));
    unref(this.#timer);
  }
}

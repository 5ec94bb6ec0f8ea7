import { inTurns } from '../lib/in-turns.ts';

/** A stream with an open response. */
export interface OpenStream {
  /** Sends a comment that keeps the connection open. */
  sendHeartbeat(): void;
  /** Ends the stream because the server closes. */
  endNow(): void;
  /** Writes the end of the response. */
  finish(): void;
}

const DEFAULT_HEARTBEAT_MS = 15_000;
/** How long heartbeats may be sent in one go, in milliseconds. */
const TURN_MS = 10;

/**
 * The open streams of a server. They share one timer for their heartbeats and one listener for the end of the server,
 * which cost memory for each stream otherwise.
 */
export class OpenStreams {
  readonly #heartbeatMs: number;
  /** When each stream gets its next heartbeat. All wait equally long, so the first one is due first. */
  readonly #dueAtMs = new Map<OpenStream, number>();
  #timer: NodeJS.Timeout | undefined;
  /** Streams that have ended and wait for {@link OpenStream.finish}. */
  #ended: OpenStream[] = [];
  #isFinishing = false;

  constructor({ closing, heartbeatMs }: { closing: AbortSignal; heartbeatMs?: number | undefined }) {
    this.#heartbeatMs = heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    const endAll = (): void => {
      for (const stream of [...this.#dueAtMs.keys()]) stream.endNow();
    };
    closing.addEventListener('abort', endAll, { once: true });
  }

  get size(): number {
    return this.#dueAtMs.size;
  }

  /** Starts the time until the next heartbeat of a stream, also if it is known already. */
  add(stream: OpenStream): void {
    this.#setDue(stream);
    this.#timer ??= setTimeout(() => this.#beat(), this.#heartbeatMs);
  }

  delete(stream: OpenStream): void {
    this.#dueAtMs.delete(stream);
    if (this.#dueAtMs.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Finishes a stream in its turn: thousands may end at once, with their key or their environment, and each end is a system
   * call.
   */
  finishInTurn(stream: OpenStream): void {
    this.#ended.push(stream);
    if (!this.#isFinishing) void this.#finishAll();
  }

  async #finishAll(): Promise<void> {
    this.#isFinishing = true;
    while (this.#ended.length > 0) {
      const streams = this.#ended;
      this.#ended = [];
      await inTurns(streams, (stream) => stream.finish());
    }
    this.#isFinishing = false;
  }

  #setDue(stream: OpenStream): void {
    this.#dueAtMs.delete(stream);
    // A whole number takes less memory.
    this.#dueAtMs.set(stream, Math.ceil(performance.now()) + this.#heartbeatMs);
  }

  #beat(): void {
    this.#timer = undefined;
    const startedAtMs = performance.now();
    for (const [stream, dueAtMs] of this.#dueAtMs) {
      const nowMs = performance.now();
      if (dueAtMs > nowMs || nowMs - startedAtMs > TURN_MS) {
        this.#timer = setTimeout(() => this.#beat(), Math.max(0, dueAtMs - nowMs));
        return;
      }
      this.#setDue(stream);
      stream.sendHeartbeat();
    }
  }
}

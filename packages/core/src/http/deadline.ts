import { onAbort } from './abort-listeners.ts';
import { LONGEST_TIMEOUT_MS } from './backoff.ts';
import { describeFailure, ExchangeFailure } from './exchange-failure.ts';

/** The time that a piece of work may take and the signal of who wants it, in one; `end()` lets go of both. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #startedAt = performance.now();
  readonly #stopped: Promise<never>;
  #timeoutMs: number;
  #reject: (error: Error) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: ExchangeFailure | undefined;
  #letGo: () => void = () => undefined;

  constructor(options: { timeoutMs: number; signal?: AbortSignal | undefined }) {
    this.#timeoutMs = options.timeoutMs;
    this.#stopped = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#stopped.catch(() => undefined);
    const { signal } = options;
    if (signal?.aborted) {
      this.#stop('aborted');
      return;
    }
    if (signal) this.#letGo = onAbort(signal, () => this.#stop('aborted'));
    this.#startClock();
  }

  /** Aborts when the time is over or the caller aborted, and never because the work is done. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#timeoutMs - performance.now());
  }

  /** Why it is over; undefined while it is not. */
  get over(): ExchangeFailure | undefined {
    return this.#failure;
  }

  /** What was begun, or the end of the deadline where the work does not heed the signal. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    work.catch(() => undefined);
    return Promise.race([work, this.#stopped]);
  }

  /** The true reason of an error that came up within this deadline. */
  failure(error: unknown): ExchangeFailure {
    return this.#failure ?? describeFailure(error);
  }

  /** Grants another time, counted from the start as the first one was. */
  extend(timeoutMs: number): void {
    if (this.#failure !== undefined) return;
    this.stopClock();
    this.#timeoutMs = timeoutMs;
    this.#startClock();
  }

  stopClock(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.stopClock();
    this.#letGo();
  }

  #startClock(): void {
    this.#timer = setTimeout(() => this.#stop('timeout'), Math.min(this.remainingMs, LONGEST_TIMEOUT_MS));
  }

  #stop(kind: 'timeout' | 'aborted'): void {
    if (this.#failure !== undefined) return;
    const reason =
      kind === 'timeout' ? `no answer within ${Math.round(this.#timeoutMs)} ms` : 'the caller aborted it';
    this.#failure = new ExchangeFailure(kind, reason, kind === 'timeout' ? 'ETIMEDOUT' : 'ABORT_ERR');
    this.end();
    this.#controller.abort(this.#failure);
    this.#reject(this.#failure);
  }
}

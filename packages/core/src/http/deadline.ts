import { LONGEST_TIMEOUT_MS } from './backoff.ts';
import { describeFailure, ExchangeFailure } from './exchange-failure.ts';
import { onAbort } from './on-abort.ts';

/** A time limit combined with the caller's signal. Call `end()` when the work is done. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #startedAt = performance.now();
  readonly #stopped: Promise<never>;
  #timeoutMs: number;
  #reject: (error: Error) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: ExchangeFailure | undefined;
  #removeListener: () => void = () => undefined;

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
    if (signal) this.#removeListener = onAbort(signal, () => this.#stop('aborted'));
    this.#startClock();
  }

  /** Aborts when the time is up or the caller aborts. It does not abort when the work is done. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds left, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#timeoutMs - performance.now());
  }

  /** The time-out or the caller's abort; undefined before either happens. */
  get over(): ExchangeFailure | undefined {
    return this.#failure;
  }

  /** Settles as `work` does, or rejects when the deadline is over, even if the work ignores the signal. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    work.catch(() => undefined);
    return Promise.race([work, this.#stopped]);
  }

  /** Why the work failed: the end of this deadline if it is over, otherwise what `error` says. */
  failure(error: unknown): ExchangeFailure {
    return this.#failure ?? describeFailure(error);
  }

  /** Replaces the time limit. The new one counts from the start too. */
  extend(timeoutMs: number): void {
    if (this.#failure !== undefined) return;
    this.stopClock();
    this.#timeoutMs = timeoutMs;
    this.#startClock();
  }

  /** Lifts the time limit; the caller's signal still counts. */
  stopClock(): void {
    clearTimeout(this.#timer);
  }

  /** Releases the timer and the caller's signal. */
  end(): void {
    this.stopClock();
    this.#removeListener();
  }

  #startClock(): void {
    this.#timer = setTimeout(() => this.#stop('timeout'), Math.min(this.remainingMs, LONGEST_TIMEOUT_MS));
  }

  #stop(kind: 'timeout' | 'aborted'): void {
    if (this.#failure !== undefined) return;
    this.#failure =
      kind === 'timeout'
        ? new ExchangeFailure(kind, `no response within ${Math.round(this.#timeoutMs)} ms`, 'ETIMEDOUT')
        : new ExchangeFailure(kind, 'the caller aborted it', 'ABORT_ERR');
    this.end();
    this.#controller.abort(this.#failure);
    this.#reject(this.#failure);
  }
}

import { describeFailure, ExchangeFailure } from './exchange-failure.ts';

/** The time that a piece of work may take and the signal of who wants it, in one; `end()` lets go of both. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop('aborted');
  readonly #timeoutMs: number;
  readonly #stopped: Promise<never>;
  #reject: (error: Error) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: ExchangeFailure | undefined;

  constructor(request: { timeoutMs: number; signal?: AbortSignal | undefined }) {
    this.#timeoutMs = request.timeoutMs;
    this.#outer = request.signal;
    this.#stopped = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#stopped.catch(() => undefined);
    if (this.#outer?.aborted) {
      this.#stop('aborted');
      return;
    }
    this.#outer?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = setTimeout(() => this.#stop('timeout'), request.timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What was begun, or the end of the deadline where a `fetch` does not heed its signal. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    work.catch(() => undefined);
    return Promise.race([work, this.#stopped]);
  }

  /** The true reason of an error that came up within this deadline. */
  failure(error: unknown): ExchangeFailure {
    if (this.#failure !== undefined) return this.#failure;
    return describeFailure(error);
  }

  stopClock(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.stopClock();
    this.#outer?.removeEventListener('abort', this.#onAbort);
  }

  #stop(kind: 'timeout' | 'aborted'): void {
    if (this.#failure !== undefined) return;
    const reason = kind === 'timeout' ? `no answer within ${this.#timeoutMs} ms` : 'the caller aborted it';
    this.#failure = new ExchangeFailure(kind, reason, kind === 'timeout' ? 'ETIMEDOUT' : 'ABORT_ERR');
    this.end();
    this.#controller.abort(this.#failure);
    this.#reject(this.#failure);
  }
}

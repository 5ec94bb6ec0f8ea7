import { createBackoff, sleep } from '../http/backoff.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';

/** Waits between failed starts. Within one start, the source itself retries what is likely to pass soon. */
const BACKOFF = { baseMs: 1_000, capMs: 60_000 };

/** How long {@link SourceRunner.stop} waits for the error of a start that it cancelled. */
const STOP_GRACE_MS = 250;

/**
 * Starts one source, one attempt at a time; with {@link SourceRunner.persist} until one works.
 * Once stopped, it cannot be started again.
 */
export class SourceRunner {
  readonly #source: RulesetSource;
  readonly #sink: RulesetSink;
  readonly #stopping = new AbortController();
  readonly #onFailure: (error: unknown) => void;
  readonly #onStart: () => void;
  #attempt: Promise<void> | undefined;
  #stopped: Promise<unknown> | undefined;
  #isPersistent = false;

  constructor(options: {
    source: RulesetSource;
    sink: RulesetSink;
    /** Called after each successful start. */
    onStart: () => void;
    /** Called after each failed start that is followed by another. */
    onFailure: (error: unknown) => void;
  }) {
    this.#source = options.source;
    this.#sink = options.sink;
    this.#onStart = options.onStart;
    this.#onFailure = options.onFailure;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Starts the source, or joins the start in progress. Rejects if that start fails. */
  start(): Promise<void> {
    this.#attempt ??= this.#startOnce();
    return this.#attempt;
  }

  /** Starts the source, and from now on follows each failed start by another until one works. */
  persist(): void {
    if (this.#isPersistent || this.isStopped) return;
    this.#isPersistent = true;
    void this.#keepTrying();
  }

  /** Stops the source. Resolves with the error of a start in progress if it comes within 250 ms, else with undefined. */
  stop(): Promise<unknown> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<unknown> {
    const waiting = new AbortController();
    this.#stopping.abort();
    const failure = this.#attempt?.then(
      () => undefined,
      (error: unknown) => error,
    );
    callGuarded(() => this.#source.stop());
    if (failure === undefined) return undefined;
    const grace = sleep(STOP_GRACE_MS, { signal: waiting.signal, keepsAlive: false });
    return Promise.race([failure, grace]).finally(() => waiting.abort());
  }

  async #startOnce(): Promise<void> {
    await this.#source.start(this.#sink, this.#stopping.signal);
    // A source may finish its start although it was stopped meanwhile.
    if (this.isStopped) callGuarded(() => this.#source.stop());
    else this.#onStart();
  }

  async #keepTrying(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = createBackoff(BACKOFF);
    while (!signal.aborted) {
      try {
        await this.start();
        return;
      } catch (error) {
        this.#attempt = undefined;
        if (signal.aborted) return;
        this.#onFailure(error);
      }
      await sleep(backoff.next(), { signal, keepsAlive: false });
    }
  }
}

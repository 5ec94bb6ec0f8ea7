import { createBackoff, sleep } from '../http/backoff.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { RulesetSink, RulesetSource } from './ruleset-source.ts';

/** Waits between the starts of a source that failed; each start retries by itself what may pass soon. */
const BACKOFF = { baseMs: 1_000, capMs: 60_000 };

/** How long a source that was told to stop may take to say why it had not started. */
const GRACE_MS = 250;

/** One source and its starts: one at a time, and again and again once somebody said so. Stopped, it is over for good. */
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
    /** Called after each start that worked. */
    onStart: () => void;
    /** Called after each failure that is followed by another start. */
    onFailure: (error: unknown) => void;
  }) {
    this.#source = options.source;
    this.#sink = options.sink;
    this.#onStart = options.onStart;
    this.#onFailure = options.onFailure;
  }

  /** Whether it is over for good. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Resolves once the source has started; rejects with the failure of the start under way. */
  started(): Promise<void> {
    this.#attempt ??= this.#start();
    return this.#attempt;
  }

  /** From now on a failed start is followed by another, until it works. */
  persist(): void {
    if (this.#isPersistent || this.isStopped) return;
    this.#isPersistent = true;
    void this.#keepTrying();
  }

  /** Ends the source, and answers why it had not started yet, where it says so in time. */
  stop(): Promise<unknown> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<unknown> {
    const waiting = new AbortController();
    this.#stopping.abort();
    const reason = this.#attempt?.then(
      () => undefined,
      (error: unknown) => error,
    );
    callGuarded(() => this.#source.stop());
    if (reason === undefined) return undefined;
    return Promise.race([reason, sleep(GRACE_MS, { signal: waiting.signal, keepsAlive: false })]).finally(
      () => waiting.abort(),
    );
  }

  async #start(): Promise<void> {
    await this.#source.start(this.#sink, this.#stopping.signal);
    // It may have started in spite of being told to stop.
    if (this.isStopped) callGuarded(() => this.#source.stop());
    else this.#onStart();
  }

  async #keepTrying(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = createBackoff(BACKOFF);
    while (!signal.aborted) {
      try {
        await this.started();
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

import { createBackoff, sleep } from '../http/backoff.ts';
import { onAbort } from '../http/on-abort.ts';
import { SharedWait } from '../http/shared-wait.ts';
import { retryAfterMsOf } from '../http/transient-failure.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { RulesetStore } from '../ruleset/ruleset-store.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import type { ConfigClientEvent } from './client-options.ts';
import type { StatusMonitor } from './client-status.ts';
import type { LocalValues } from './local-values.ts';
import { SharedFetch } from './shared-fetch.ts';

export interface SourceSessionOptions {
  store: RulesetStore;
  local: LocalValues;
  monitor: StatusMonitor;
  emit: (event: ConfigClientEvent) => void;
  /** Puts the local values that need no file into the store, and creates the source. */
  createSource: () => RulesetSource;
  /** Called when a failure asked for a pause (`Retry-After`), which the source waits for. */
  onPause: (session: SourceSession) => void;
  /** Called when the source has started. An error that it throws fails the attempt. */
  onStart: (session: SourceSession) => void;
  /**
   * Called when an attempt has failed. It throws the error for the callers that wait for the attempt, unless the client
   * became ready without it. Unless it ends the session, another attempt follows.
   */
  onFailure: (session: SourceSession, error: unknown) => void;
}

/** Waits between failed attempts. Within one attempt, the source itself retries what is likely to pass soon. */
const BACKOFF = { baseMs: 1_000, capMs: 60_000 };

/** How long {@link SourceSession.failure} waits. */
const FAILURE_GRACE_MS = 250;

/** One use of a source: the attempts to start it, and what it pushes until the session ends. */
export class SourceSession {
  /** The calls of `ready()` that wait for this session. */
  readonly callers: SharedWait = new SharedWait();
  readonly #options: SourceSessionOptions;
  readonly #ending = new AbortController();
  readonly #fetches: SharedFetch = new SharedFetch(async (signal) => this.#source?.refresh?.(signal));
  #source: RulesetSource | undefined;
  #attempt: Promise<void> | undefined;
  #isFirstAttempt = true;
  #hasStarted = false;
  #lastFailure: Error | undefined;
  /** Why the latest failed attempt to start has failed. */
  #attemptFailure: unknown;
  #pauseEndsAt = 0;

  constructor(options: SourceSessionOptions) {
    this.#options = options;
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** The last error that the source has reported. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** Milliseconds until the server may be asked again, if it asked for a pause; else 0. */
  get pauseMs(): number {
    return Math.max(0, this.#pauseEndsAt - performance.now());
  }

  /**
   * Puts the local values that need no file into the store. The first attempt does so too.
   *
   * @throws {SettingsError} listing all settings that are missing or malformed.
   * @throws {OptionsError} for an option with an invalid value.
   */
  prepare(): RulesetSource {
    this.#source ??= this.#options.createSource();
    return this.#source;
  }

  /** Begins the attempts to start, and returns the current or latest one. It resolves once the client is ready. */
  start(): Promise<void> {
    if (this.#attempt === undefined) void this.#run();
    return this.#attempt ?? Promise.resolve();
  }

  /** Fetches the values once, or waits for the attempt to start. Returns false if the source has nothing to fetch. */
  async fetchOnce(signal: AbortSignal): Promise<boolean> {
    if (!this.#hasStarted) {
      await this.start();
      // The client may have become ready with local values, which makes the attempt succeed without a fetch.
      if (!this.#hasStarted) throw this.#attemptFailure;
      return true;
    }
    if (this.#source?.refresh === undefined) return false;
    await this.#fetches.run(signal);
    return true;
  }

  end(): void {
    this.#ending.abort();
  }

  /** Resolves with the error of an attempt that {@link end} has cancelled if it comes within 250 ms, else with undefined. */
  async failure(): Promise<unknown> {
    const waiting = new AbortController();
    const failure = this.#attempt?.then(
      () => undefined,
      (error: unknown) => error,
    );
    const grace = sleep(FAILURE_GRACE_MS, { signal: waiting.signal, keepsAlive: false });
    return Promise.race([failure, grace]).finally(() => waiting.abort());
  }

  async #run(): Promise<void> {
    const { signal } = this;
    const backoff = createBackoff(BACKOFF);
    while (!signal.aborted) {
      await this.#beginAttempt().catch(() => undefined);
      if (this.#hasStarted) return;
      await sleep(backoff.next(), { signal, keepsAlive: false });
    }
  }

  #beginAttempt(): Promise<void> {
    let begin = (): void => undefined;
    const attempt = new Promise<void>((resolve, reject) => {
      begin = () => void this.#attemptStart().then(resolve, reject);
    });
    // Set before the source is called: a hook may call `ready()` from within, which must join this attempt.
    this.#attempt = attempt;
    begin();
    return attempt;
  }

  async #attemptStart(): Promise<void> {
    const { signal } = this;
    try {
      await this.#startSource();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#attemptFailure = error;
      this.#options.onFailure(this, error);
      return;
    }
    if (signal.aborted) return;
    this.#hasStarted = true;
    this.#options.onStart(this);
  }

  async #startSource(): Promise<void> {
    const { local, monitor } = this.#options;
    const { signal } = this;
    const source = this.prepare();
    const stop = (): void => callGuarded(() => source.stop());
    if (this.#isFirstAttempt) {
      this.#isFirstAttempt = false;
      monitor.setConnection('connecting');
      if (local.hasFiles) await local.readFiles(signal);
      if (signal.aborted) return;
      onAbort(signal, stop);
    }
    await source.start(this.#createSink(), signal);
    // A source may finish its start although it was stopped meanwhile.
    if (signal.aborted) stop();
  }

  /** What the source pushes after the end of the session is ignored. */
  #createSink(): RulesetSink {
    const { store, local, monitor, emit, onPause } = this.#options;
    const { signal } = this;
    return {
      get revision() {
        return store.live?.revision;
      },
      get epoch() {
        return store.live?.epoch;
      },
      replace: (ruleset) => {
        if (!signal.aborted) store.replace(ruleset);
      },
      patch: (patches) => {
        if (!signal.aborted) store.patch(patches);
      },
      confirm: () => {
        if (signal.aborted) return;
        monitor.confirm();
        local.confirm();
      },
      status: (status, error) => {
        if (signal.aborted) return;
        if (error instanceof Error) this.#lastFailure = error;
        this.#pauseEndsAt = performance.now() + retryAfterMsOf(error);
        if (this.pauseMs > 0) onPause(this);
        const isSame = monitor.connection === status && error === undefined;
        monitor.setConnection(status);
        if (!isSame) emit({ type: 'connection', status, ...(error !== undefined && { error }) });
      },
    };
  }
}

import {
  ClientClosedError,
  type ConfigErrorCode,
  type InvalidKey,
  isConfigError,
  ReadyTimeoutError,
  ValuesInvalidError,
} from '../errors.ts';
import { Deadline } from '../http/deadline.ts';
import { onAbort } from '../http/on-abort.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import type { RulesetStore, StoreChange } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { findSettings, resolveEnvironment } from '../settings.ts';
import { RemoteSource } from '../sources/remote-source.ts';
import type { RulesetSource } from '../sources/ruleset-source.ts';
import type { TokenStatus } from '../token/token-monitor.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { type ClientState, sessionOf } from './client-state.ts';
import { type ClientStatus, StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import { Connection, type ServerConnection } from './connection.ts';
import { LocalValues } from './local-values.ts';
import { SourceSession } from './source-session.ts';

/** The state of a client. */
export interface ConfigHealth {
  status: ClientStatus;
  environment: string | undefined;
  revision: string | undefined;
  /** Milliseconds since the server last confirmed the values; undefined if it never did. */
  ageMs: number | undefined;
  /**
   * How values arrive now. Before the first values from the server, `cache` or `file` if the client serves the disk
   * copy or bundled values. `none` while the connection is lost.
   */
  transport: 'none' | 'stream' | 'polling' | 'memory' | 'cache' | 'file';
  /** The state of the event stream. */
  stream: 'connecting' | 'open' | 'closed';
  /** The state of the token provider, without tokens; undefined if there is none. */
  token: TokenStatus | undefined;
  /** Keys whose newest value is missing or invalid, and environment variables that the schema rejects. */
  invalidKeys: readonly InvalidKey[];
}

export interface ClientLifecycleOptions {
  options: ConfigClientOptions<AnyConfig>;
  store: RulesetStore;
  telemetry: ClientTelemetry | undefined;
  emit: (event: ConfigClientEvent) => void;
}

/** Errors in how the client is configured. Neither a fallback nor another attempt can help. */
const PERMANENT_ERRORS: ReadonlySet<ConfigErrorCode> = new Set([
  'ERR_SETTINGS_MISSING',
  'ERR_OPTIONS_INVALID',
]);

/** Owns the state of a client: starts it, judges its values and closes it. */
export class ClientLifecycle {
  readonly #options: ConfigClientOptions<AnyConfig>;
  readonly #store: RulesetStore;
  readonly #telemetry: ClientTelemetry | undefined;
  readonly #emit: (event: ConfigClientEvent) => void;
  readonly #monitor: StatusMonitor;
  readonly #local: LocalValues;
  readonly #connection: Connection;
  readonly #closing = new AbortController();
  /** The time limits of the calls of `ready()` that wait. */
  readonly #waits = new Set<Deadline>();
  #state: ClientState = { phase: 'idle' };
  /** The messages of the last `invalid` event, which is not repeated. */
  #reportedInvalid = '';

  constructor({ options, store, telemetry, emit }: ClientLifecycleOptions) {
    this.#options = options;
    this.#store = store;
    this.#telemetry = telemetry;
    this.#emit = emit;
    const { signal } = this;
    this.#monitor = new StatusMonitor({
      maxStalenessMs: options.maxStalenessMs,
      phase: () => this.#state.phase,
      onChange: (status, previous) => emit({ type: 'status', status, previous }),
    });
    this.#local = new LocalValues({ options, store, monitor: this.#monitor, emit, signal });
    this.#connection = new Connection({ options, telemetry });
    // Before any other listener: a listener that reads `health()` must see the state that belongs to the change.
    store.subscribe((change) => this.#onChange(change));
    if (options.start === 'background') this.#startInBackground();
  }

  /** Aborts when the client is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Waits for the start, which concurrent calls share. A call whose timeout passes rejects alone. Once no call is
   * waiting any more, the start is cancelled, unless the `start` option keeps it going.
   */
  async ready(timeoutMs: number): Promise<void> {
    checkMilliseconds('timeoutMs', timeoutMs);
    const state = this.#state;
    if (state.phase === 'closed') throw new ClientClosedError();
    if (state.phase === 'ready') return;
    const session = sessionOf(state) ?? this.#openSession();
    const failure = await this.#wait(session, timeoutMs);
    if (this.#isClosed) throw new ClientClosedError();
    if (failure !== undefined && !this.#isReady) await this.#leave(session, timeoutMs, failure.error);
  }

  /** Fetches the values once. Returns false if there is nothing to fetch: the source pushes each change at once. */
  fetchOnce(signal: AbortSignal): Promise<boolean> {
    return sessionOf(this.#state)?.fetchOnce(signal) ?? Promise.resolve(false);
  }

  /** Starts a lazy client at its first read. Returns whether this call started it. */
  startIfLazy(): boolean {
    if (this.#options.start !== 'lazy' || this.#state.phase !== 'idle') return false;
    void this.#start(this.#openSession());
    return true;
  }

  health(): ConfigHealth {
    const { ruleset, live, offline } = this.#store;
    const { status, ageMs, connection } = this.#monitor;
    const isArriving = connection === 'stream' || connection === 'polling' || connection === 'memory';
    return {
      status,
      environment: ruleset?.environment,
      revision: ruleset?.revision,
      ageMs,
      transport: isArriving ? connection : live === undefined ? (offline ?? 'none') : 'none',
      stream: connection === 'stream' ? 'open' : connection === 'connecting' ? 'connecting' : 'closed',
      token: this.#connection.token,
      invalidKeys: this.#invalidKeys(),
    };
  }

  onClose(listener: () => unknown): () => void {
    const call = (): void => callGuarded(listener, (error) => this.#emit({ type: 'listener-error', error }));
    if (!this.#isClosed) return onAbort(this.signal, call);
    call();
    return () => undefined;
  }

  /**
   * The config server; undefined if the `source` option replaces it.
   * @throws {SettingsError} listing all settings that are missing or malformed.
   */
  get server(): ServerConnection | undefined {
    return this.#connection.server;
  }

  close(): Promise<void> {
    if (this.#state.phase === 'closed') return this.#state.done;
    const done = Promise.resolve().then(() => this.#local.flush());
    this.#enter({ phase: 'closed', done });
    return done;
  }

  get #isReady(): boolean {
    return this.#state.phase === 'ready';
  }

  get #isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  /** Whether a failed start is repeated without another call of `ready()`. */
  get #isPersistent(): boolean {
    return this.#options.start === 'background' || this.#options.start === 'lazy';
  }

  /** Changes the state, ends the session that the new state is without, and reports the status. */
  #enter(next: ClientState): void {
    const previous = this.#state;
    if (previous.phase === 'closed') return;
    this.#state = next;
    const session = sessionOf(next);
    if (sessionOf(previous) !== session) sessionOf(previous)?.end();
    if (next.phase === 'closed') {
      this.#closing.abort();
      // All callers of this client have left.
      this.#connection.cancelUnawaited();
    }
    if (session === undefined) this.#monitor.setConnection('disconnected');
    else this.#monitor.update();
  }

  #openSession(): SourceSession {
    const session = new SourceSession({
      store: this.#store,
      local: this.#local,
      monitor: this.#monitor,
      emit: (event) => this.#report(event),
      createSource: () => this.#createSource(),
      onPause: ({ pauseMs }) => this.#endWaits(pauseMs),
      onStart: (started) => this.#onStart(started),
      onFailure: (failed, error) => this.#onFailure(failed, error),
    });
    this.#enter({ phase: 'starting', session });
    return session;
  }

  #createSource(): RulesetSource {
    const options = this.#options;
    this.#local.apply();
    const settings = options.source === undefined ? findSettings(options) : undefined;
    this.#local.openCache(settings ?? options);
    if (settings === undefined) return options.source as RulesetSource;
    const { config, pollIntervalMs } = options;
    return new RemoteSource({
      ...this.#connection.connect(settings),
      config,
      ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    });
  }

  /** Local values can be read at once. The rest waits until the caller has the client that events are about. */
  #startInBackground(): void {
    const session = this.#openSession();
    // The start prepares again, and reports the error.
    callGuarded(() => session.prepare());
    queueMicrotask(() => void this.#start(session));
  }

  #start(session: SourceSession): Promise<void> {
    const attempt = session.start();
    if (this.#isPersistent && !session.signal.aborted) this.#reportInvalid();
    return attempt;
  }

  /** Waits for the current attempt of a session to start. Returns why the wait failed; undefined if it did not. */
  async #wait(session: SourceSession, timeoutMs: number): Promise<{ error: unknown } | undefined> {
    const deadline = new Deadline({ timeoutMs, signal: this.signal });
    const { signal } = deadline;
    const aborted = (): Error => deadline.failure(signal.reason);
    this.#waits.add(deadline);
    try {
      const attempt = this.#start(session);
      this.#endWaits(session.pauseMs);
      await session.callers.join(attempt, { signal, aborted });
      return undefined;
    } catch (error) {
      const isTimeout = error === deadline.over;
      return { error: isTimeout ? this.#timeoutError(session, timeoutMs) : error };
    } finally {
      this.#waits.delete(deadline);
      deadline.end();
    }
  }

  /** Ends the waits that are over before a pause of the server is, because they cannot succeed. */
  #endWaits(pauseMs: number): void {
    for (const deadline of this.#waits) if (pauseMs > deadline.remainingMs) deadline.extend(0);
  }

  /** A call of `ready()` has failed: uses local values, or throws. The last one cancels the start. */
  async #leave(session: SourceSession, timeoutMs: number, failure: unknown): Promise<void> {
    const error = isPermanent(failure) ? failure : this.#fallBack(session, failure);
    if (error === undefined) return;
    // The values may have changed since the session started with invalid ones.
    if (session.hasStarted) throw this.#valuesError() ?? error;
    if (!session.callers.isEmpty || sessionOf(this.#state) !== session) throw error;
    const isInvalid = isConfigError(error, 'ERR_VALUES_INVALID');
    if (isInvalid || !this.#isPersistent) {
      this.#enter({ phase: 'failed', session: this.#isPersistent ? session : undefined });
    }
    if (isInvalid || this.#isPersistent) throw error;
    const cancelled = await session.failure();
    if (this.#isClosed) throw new ClientClosedError();
    // Not an error that only says that the start was cancelled.
    const isReason = cancelled instanceof Error && !isAborted(cancelled);
    throw this.#timeoutError(session, timeoutMs, isReason ? cancelled : undefined);
  }

  #timeoutError(session: SourceSession, timeoutMs: number, reason = session.lastFailure): ReadyTimeoutError {
    const failure = reason ?? this.#connection.tokenFailure;
    const verb = session.pauseMs > 0 ? 'cannot be' : 'was not';
    // A failure says itself what to check.
    const detail =
      failure === undefined
        ? 'Check the API URL and that the server is running, or'
        : `Last failure: ${failure.message} To wait longer,`;
    return new ReadyTimeoutError(
      `The config client ${verb} ready within ${timeoutMs} ms. ${detail} pass a longer timeout: ready({ timeoutMs }).`,
      failure instanceof Error ? { cause: failure } : undefined,
    );
  }

  /**
   * Becomes ready with the disk copy or bundled values if the options allow it and there are any. Otherwise returns the
   * error for the callers: `failure`, or what is wrong with these values.
   */
  #fallBack(session: SourceSession, failure: unknown): unknown {
    const { live, offline } = this.#store;
    const mayFallBack = this.#options.fallback !== undefined && sessionOf(this.#state) === session;
    if (!mayFallBack || this.#isReady || offline === undefined || live !== undefined) return failure;
    this.#store.complete();
    const invalid = this.#valuesError(failure);
    if (invalid !== undefined) return invalid;
    this.#report({ type: 'fallback', from: offline, error: failure });
    this.#becomeReady(session);
    return undefined;
  }

  /** The source has pushed its first values. */
  #onStart(session: SourceSession): void {
    // The client started from local values. `ready()` has resolved, so it stays ready.
    if (this.#isReady && !this.#isPersistent) return;
    const invalid = this.#valuesError();
    if (invalid === undefined) {
      this.#becomeReady(session);
      return;
    }
    this.#enter({ phase: 'failed', session: this.#isPersistent ? session : undefined });
    throw invalid;
  }

  /** An attempt to start has failed. The session goes on if another attempt may help and is wanted. */
  #onFailure(session: SourceSession, failure: unknown): void {
    const isFinal = isPermanent(failure);
    const mayFallBack = !isFinal && !session.callers.isEmpty;
    const error = mayFallBack ? this.#fallBack(session, failure) : failure;
    const continues = this.#isReady || (this.#isPersistent && !isFinal);
    if (!continues) this.#enter({ phase: 'failed', session: undefined });
    else if (isConfigError(error, 'ERR_VALUES_INVALID')) this.#enter({ phase: 'failed', session });
    if (continues || this.#isPersistent) {
      this.#report({ type: 'connection', status: 'disconnected', error: failure });
    }
    if (error !== undefined) throw error;
  }

  #becomeReady(session: SourceSession): void {
    if (this.#isClosed) throw new ClientClosedError();
    if (this.#isReady) return;
    const { ruleset } = this.#store;
    this.#enter({ phase: 'ready', session });
    this.#report({
      type: 'ready',
      environment: ruleset?.environment ?? '',
      revision: ruleset?.revision ?? '',
    });
  }

  #onChange({ isLive, revision, keys }: StoreChange): void {
    if (!isLive) return;
    this.#monitor.confirm();
    this.#local.save();
    if (keys.length === 0) return;
    this.#telemetry?.changed({ revision, keys });
    this.#report({ type: 'changed', revision, keys });
    this.#reportInvalid();
    const state = this.#state;
    const mayRecover = state.phase === 'failed' && state.session?.hasStarted === true;
    if (mayRecover && this.#valuesError() === undefined) this.#becomeReady(state.session);
  }

  /** Names required keys without a valid value, and invalid environment variables; undefined if there are none. */
  #valuesError(cause?: unknown): ValuesInvalidError | undefined {
    const overrides = this.#isPersistent ? [] : this.#local.invalidOverrides;
    const unusable = this.#store.invalidKeys().filter(({ key }) => this.#store.get(key)?.hasValue !== true);
    const keys = [...overrides, ...unusable];
    if (keys.length === 0) return undefined;
    const environment = this.#store.ruleset?.environment ?? resolveEnvironment(this.#options);
    return new ValuesInvalidError(environment, keys, { cause });
  }

  #invalidKeys(): InvalidKey[] {
    return [...this.#local.invalidOverrides, ...this.#store.invalidKeys()];
  }

  #reportInvalid(): void {
    const keys = this.#invalidKeys();
    const messages = keys.map(({ message }) => message).join('\n');
    if (messages === this.#reportedInvalid) return;
    this.#reportedInvalid = messages;
    if (keys.length > 0) this.#report({ type: 'invalid', keys });
  }

  /** The hook may close the client at one event. The next one of the same change must not follow `closed`. */
  #report(event: ConfigClientEvent): void {
    if (!this.#isClosed) this.#emit(event);
  }
}

function isPermanent(error: unknown): boolean {
  return isConfigError(error) && PERMANENT_ERRORS.has(error.code);
}

function isAborted(error: unknown): boolean {
  return isConfigError(error, 'ERR_REQUEST_TRANSPORT') && error.reason === 'aborted';
}

import {
  ClientClosedError,
  type ConfigErrorCode,
  type InvalidKey,
  isConfigError,
  ReadyTimeoutError,
  ValuesInvalidError,
} from '../errors.ts';
import { Deadline } from '../http/deadline.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import { checkMilliseconds } from '../lib/option-checks.ts';
import type { ClientChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { resolveEnvironment } from '../settings.ts';
import type { TokenStatus } from '../token/token-monitor.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { type ClientStatus, StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import { Connection, type ServerConnection } from './connection.ts';
import { LocalValues } from './local-values.ts';

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

/** Starts and closes a client, and keeps its state. */
export class ClientLifecycle {
  readonly #options: ConfigClientOptions<AnyConfig>;
  readonly #store: RulesetStore;
  readonly #telemetry: ClientTelemetry | undefined;
  readonly #emit: (event: ConfigClientEvent) => void;
  readonly #monitor: StatusMonitor;
  readonly #local: LocalValues;
  readonly #connection: Connection;
  readonly #closing = new AbortController();
  readonly #closeListeners = new Set<() => unknown>();
  readonly #onListenerError: (error: unknown) => void;
  /** How many calls of `ready()` are waiting for the start. */
  #waiting = 0;
  #closed: Promise<void> | undefined;
  /** Whether the first read is still to trigger the start. */
  #isLazy: boolean;
  /** The messages of the last `invalid` event, which is not repeated. */
  #reportedInvalid = '';

  constructor({ options, store, telemetry, emit }: ClientLifecycleOptions) {
    this.#options = options;
    this.#store = store;
    this.#telemetry = telemetry;
    this.#emit = emit;
    this.#onListenerError = (error) => emit({ type: 'listener-error', error });
    this.#isLazy = options.start === 'lazy';
    const onStatus = (status: ClientStatus, previous: ClientStatus): void =>
      emit({ type: 'status', status, previous });
    const monitor = new StatusMonitor({ maxStalenessMs: options.maxStalenessMs, onChange: onStatus });
    this.#monitor = monitor;
    const onStart = (): void => this.#onStart();
    const onChange = (change: ClientChange): void => this.#onChange(change);
    const local = new LocalValues({ options, store, monitor, emit });
    this.#local = local;
    this.#connection = new Connection({
      options,
      local,
      store,
      monitor,
      telemetry,
      emit,
      onStart,
      onChange,
    });
    if (options.start === 'background') this.#startUnawaited();
  }

  /**
   * Waits for the start, which concurrent calls share. A call whose timeout passes rejects alone. Once no call is
   * waiting any more, the start is cancelled, unless the `start` option keeps it going.
   */
  async ready(timeoutMs: number): Promise<void> {
    checkMilliseconds('timeoutMs', timeoutMs);
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#isReady()) return;
    this.#isLazy = false;
    if (this.#monitor.phase === 'failed') this.#monitor.enter('starting');
    this.#waiting += 1;
    const deadline = new Deadline({ timeoutMs, signal: this.#closing.signal });
    const failure = await deadline.race(this.#connection.start()).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    deadline.end();
    this.#waiting -= 1;
    if (this.#isReady()) return;
    const timedOutMs = deadline.over?.kind === 'timeout' ? timeoutMs : undefined;
    try {
      if (failure === undefined) this.#checkValues();
      else this.#startOffline(timedOutMs === undefined ? failure.error : this.#timeoutError(timedOutMs));
      this.#becomeReady();
    } catch (error) {
      throw await this.#endWait(error, timedOutMs);
    }
  }

  /** Starts a lazy client at its first read. Returns whether this call started it. */
  startIfLazy(): boolean {
    if (!this.#isLazy || this.#closing.signal.aborted) return false;
    this.#startUnawaited();
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
    if (this.#closing.signal.aborted) {
      callGuarded(listener, this.#onListenerError);
      return () => undefined;
    }
    const entry = (): unknown => listener();
    this.#closeListeners.add(entry);
    return () => {
      this.#closeListeners.delete(entry);
    };
  }

  /**
   * The config server; undefined if the `source` option replaces it.
   * @throws {SettingsError} listing all settings that are missing or malformed.
   */
  get server(): ServerConnection | undefined {
    return this.#connection.server;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #isReady(): boolean {
    return this.#monitor.phase === 'ready';
  }

  /** Whether a failed start is repeated without another call of `ready()`. */
  get #isPersistent(): boolean {
    return this.#options.start === 'background' || this.#options.start === 'lazy';
  }

  /** Starts from the disk copy or bundled values if the options allow it and there are any; else throws `failure`. */
  #startOffline(failure: unknown): void {
    const { live, offline } = this.#store;
    const isFinal = isPermanent(failure) || this.#closing.signal.aborted;
    if (this.#options.fallback === undefined || offline === undefined || live !== undefined || isFinal) {
      throw failure;
    }
    this.#store.complete();
    this.#checkValues(failure);
    this.#connection.persist();
    this.#emit({ type: 'fallback', from: offline, error: failure });
  }

  /** A call of `ready()` fails: cancels a start that no other call waits for, and returns the error to throw. */
  async #endWait(error: unknown, timedOutMs: number | undefined): Promise<unknown> {
    const isRetried = this.#isPersistent && !isPermanent(error);
    const isCancelled = this.#waiting === 0 && !isRetried && !this.#closing.signal.aborted;
    const startFailure = isCancelled ? await this.#connection.reset() : undefined;
    if (this.#closing.signal.aborted) return closedError();
    // Checked again: another call may have begun a new start meanwhile.
    const isFailed = this.#waiting === 0 && (!isRetried || isConfigError(error, 'ERR_VALUES_INVALID'));
    if (isFailed && !this.#isReady()) this.#monitor.enter('failed');
    const isTimeout = timedOutMs !== undefined && isConfigError(error, 'ERR_READY_TIMEOUT');
    return isTimeout ? this.#timeoutError(timedOutMs, startFailure) : error;
  }

  /** Names the last failure of the start as the cause, unless `startFailure` only says that the start was cancelled. */
  #timeoutError(timeoutMs: number, startFailure?: unknown): ReadyTimeoutError {
    const hasReason = startFailure instanceof Error && !isAborted(startFailure);
    const failure = hasReason ? startFailure : this.#connection.lastFailure;
    const detail = failure === undefined ? '' : ` Last failure: ${failure.message}`;
    return new ReadyTimeoutError(
      `The config client was not ready within ${timeoutMs} ms.${detail} Check the API URL and that the server is running, or pass a longer timeout: ready({ timeoutMs }).`,
      failure instanceof Error ? { cause: failure } : undefined,
    );
  }

  /** Starts without a waiting caller. An error is reported as an event, and a later `ready()` rejects with it. */
  #startUnawaited(): void {
    this.#isLazy = false;
    this.#connection.start().catch((error: unknown) => {
      // All other failures are followed by another start.
      if (!isPermanent(error)) return;
      void this.#connection.reset();
      this.#monitor.enter('failed');
      this.#emit({ type: 'connection', status: 'disconnected', error });
    });
    this.#reportInvalid();
  }

  /** The source has started. A persistent client becomes ready here, since no call of `ready()` need be waiting. */
  #onStart(): void {
    if (!this.#isPersistent || this.#closing.signal.aborted) return;
    if (this.#unusableKeys().length > 0) this.#monitor.enter('failed');
    else this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#isReady()) return;
    const { ruleset } = this.#store;
    this.#monitor.enter('ready');
    this.#emit({ type: 'ready', environment: ruleset?.environment ?? '', revision: ruleset?.revision ?? '' });
  }

  #onChange(change: ClientChange): void {
    this.#telemetry?.changed(change);
    this.#emit({ type: 'changed', ...change });
    this.#reportInvalid();
    const mayRecover = this.#isPersistent && this.#monitor.phase === 'failed';
    if (mayRecover && this.#unusableKeys().length === 0) this.#becomeReady();
  }

  /** @throws {ValuesInvalidError} listing required keys without a valid value, and invalid environment variables. */
  #checkValues(cause?: unknown): void {
    const overrides = this.#isPersistent ? [] : this.#local.invalidOverrides;
    const keys = [...overrides, ...this.#unusableKeys()];
    if (keys.length === 0) return;
    const environment = this.#store.ruleset?.environment ?? resolveEnvironment(this.#options);
    throw new ValuesInvalidError(environment, keys, { cause });
  }

  #unusableKeys(): InvalidKey[] {
    return this.#store.invalidKeys().filter(({ key }) => this.#store.get(key)?.hasValue !== true);
  }

  #invalidKeys(): InvalidKey[] {
    return [...this.#local.invalidOverrides, ...this.#store.invalidKeys()];
  }

  #reportInvalid(): void {
    const keys = this.#invalidKeys();
    const messages = keys.map(({ message }) => message).join('\n');
    if (messages === this.#reportedInvalid) return;
    this.#reportedInvalid = messages;
    if (keys.length > 0) this.#emit({ type: 'invalid', keys });
  }

  async #close(): Promise<void> {
    this.#monitor.enter('closed');
    this.#closing.abort();
    for (const listener of this.#closeListeners) {
      this.#closeListeners.delete(listener);
      callGuarded(listener, this.#onListenerError);
    }
    this.#connection.close();
    await this.#local.flush();
  }
}

function isPermanent(error: unknown): boolean {
  return isConfigError(error) && PERMANENT_ERRORS.has(error.code);
}

function closedError(): ClientClosedError {
  return new ClientClosedError('The config client was closed. Create a new one with createConfigClient.');
}

function isAborted(error: unknown): boolean {
  return isConfigError(error, 'ERR_REQUEST_TRANSPORT') && error.reason === 'aborted';
}

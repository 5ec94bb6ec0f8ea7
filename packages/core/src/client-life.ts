import { type ConfigClientEvent, type ConfigClientOptions, checkMilliseconds } from './client-options.ts';
import { ClientSources } from './client-sources.ts';
import { type ClientStatus, StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import { Deadline } from './deadline.ts';
import {
  ClientClosedError,
  type ConfigErrorCode,
  type InvalidKey,
  isConfigError,
  ReadyTimeoutError,
  ValuesInvalidError,
} from './errors.ts';
import type { ServerConnection } from './remote-evaluation.ts';
import type { ConfigChange, RulesetStore } from './ruleset-store.ts';
import type { AnyConfig } from './schema.ts';
import { resolveEnvironment } from './settings.ts';
import type { TokenStatus } from './token-events.ts';

/** The state of a client. */
export interface ConfigHealth {
  /**
   * `stale`: the last good values are served, but the server is not heard of. `failed`: the start failed, or the values
   * are older than `maxStalenessMs`; what is there is served.
   */
  status: ClientStatus;
  environment: string | undefined;
  revision: string | undefined;
  /** Milliseconds since the server last confirmed the values; undefined before it did. */
  ageMs: number | undefined;
  /** How values arrive now; `cache` and `file` before the server was heard of. */
  source: 'none' | 'stream' | 'polling' | 'memory' | 'cache' | 'file';
  /** How the event stream stands. */
  stream: 'connecting' | 'open' | 'closed';
  /** The token provider's state, without values; undefined where there is none. */
  token: TokenStatus | undefined;
  /** Keys whose newest stored value is missing or refused by the schema, and refused overrides. */
  invalidKeys: readonly InvalidKey[];
}

/** What a {@link ClientLife} takes. */
export interface ClientLifeOptions {
  options: ConfigClientOptions<AnyConfig>;
  store: RulesetStore;
  telemetry: ClientTelemetry | undefined;
  emit: (event: ConfigClientEvent) => void;
}

/** Faults of the program, which no fallback and no repetition mends. */
const OWN_FAULTS: ReadonlySet<ConfigErrorCode> = new Set(['ERR_SETTINGS_MISSING', 'ERR_OPTIONS_INVALID']);

/** The start, the state and the end of a client. */
export class ClientLife {
  readonly #options: ConfigClientOptions<AnyConfig>;
  readonly #store: RulesetStore;
  readonly #telemetry: ClientTelemetry | undefined;
  readonly #emit: (event: ConfigClientEvent) => void;
  readonly #monitor: StatusMonitor;
  readonly #sources: ClientSources;
  readonly #closing = new AbortController();
  readonly #closeListeners = new Set<() => void>();
  #ready: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #isLazy: boolean;
  /** What was told last of keys at fault. */
  #toldInvalid = '';

  constructor({ options, store, telemetry, emit }: ClientLifeOptions) {
    this.#options = options;
    this.#store = store;
    this.#telemetry = telemetry;
    this.#emit = emit;
    this.#isLazy = options.start === 'lazy';
    const onStatus = (status: ClientStatus, previous: ClientStatus): void =>
      emit({ type: 'status', status, previous });
    const monitor = new StatusMonitor({ maxStalenessMs: options.maxStalenessMs, onChange: onStatus });
    this.#monitor = monitor;
    const onStart = (): void => this.#onStart();
    const onChange = (change: ConfigChange): void => this.#onChange(change);
    this.#sources = new ClientSources({ options, store, monitor, telemetry, emit, onStart, onChange });
    if (options.start === 'background') this.#startUnawaited();
  }

  ready(timeoutMs: number): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError());
    this.#ready ??= this.#start(timeoutMs).catch((error: unknown) => {
      this.#ready = undefined;
      if (!this.#isPersistent || isFault(error)) this.#monitor.enter('failed');
      throw error;
    });
    return this.#ready;
  }

  /** The first read begins the start of a lazy client; answers whether it did now. */
  startIfLazy(): boolean {
    if (!this.#isLazy || this.#closing.signal.aborted) return false;
    this.#startUnawaited();
    return true;
  }

  health(): ConfigHealth {
    const { ruleset, live, offline } = this.#store;
    const { status, ageMs, connection } = this.#monitor;
    const isArriving = connection === 'stream' || connection === 'polling' || connection === 'memory';
    const isConnecting = connection === 'connecting' && status !== 'closed' && status !== 'failed';
    return {
      status,
      environment: ruleset?.environment,
      revision: ruleset?.revision,
      ageMs,
      source: isArriving ? connection : live === undefined ? (offline ?? 'none') : 'none',
      stream: connection === 'stream' ? 'open' : isConnecting ? 'connecting' : 'closed',
      token: this.#sources.token,
      invalidKeys: this.#invalidKeys(),
    };
  }

  onClose(listener: () => void): () => void {
    if (this.#closing.signal.aborted) {
      listener();
      return () => undefined;
    }
    const entry = (): void => listener();
    this.#closeListeners.add(entry);
    return () => {
      this.#closeListeners.delete(entry);
    };
  }

  /** Who evaluates flags and limits where this client cannot. @throws {SettingsError} listing all that is missing. */
  get server(): ServerConnection | undefined {
    return this.#sources.server;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Whether a start that failed is repeated without anybody asking. */
  get #isPersistent(): boolean {
    return this.#options.start === 'background' || this.#options.start === 'lazy';
  }

  async #start(timeoutMs: number): Promise<void> {
    checkMilliseconds('timeoutMs', timeoutMs);
    this.#isLazy = false;
    if (this.#monitor.phase === 'failed') this.#monitor.enter('starting');
    const deadline = new Deadline({ timeoutMs, signal: this.#closing.signal });
    try {
      await deadline.race(this.#sources.begin());
      this.#checkValues();
    } catch (error) {
      await this.#recover(error, deadline.over?.kind === 'timeout' ? timeoutMs : undefined);
    } finally {
      deadline.end();
    }
    this.#becomeReady();
  }

  /** A start that failed: goes by what is on disk or bundled where it may and can. */
  async #recover(error: unknown, timeoutMs: number | undefined): Promise<void> {
    const { live, offline } = this.#store;
    const isLasting = isFault(error) || this.#closing.signal.aborted;
    if (this.#options.fallback !== undefined && offline !== undefined && live === undefined && !isLasting) {
      const failure = timeoutMs === undefined ? error : timeoutError(timeoutMs);
      await this.#goOffline(offline, failure);
      return;
    }
    const reason = this.#isPersistent && !isLasting ? undefined : await this.#sources.reset();
    if (this.#closing.signal.aborted) throw closedError();
    throw timeoutMs === undefined ? error : timeoutError(timeoutMs, reason);
  }

  async #goOffline(from: 'cache' | 'file', failure: unknown): Promise<void> {
    this.#store.complete();
    try {
      this.#checkValues(failure);
    } catch (error) {
      if (!this.#isPersistent) await this.#sources.reset();
      throw error;
    }
    this.#sources.persist();
    this.#emit({ type: 'fallback', from, error: failure });
  }

  /** Nobody waits for this start: what is wrong is told as an event, and thrown to whoever calls `ready()` then. */
  #startUnawaited(): void {
    this.#isLazy = false;
    this.#sources.begin().catch((error: unknown) => {
      // Other failures are followed by another start.
      if (!isFault(error)) return;
      void this.#sources.reset();
      this.#monitor.enter('failed');
      this.#emit({ type: 'source', status: 'disconnected', error });
    });
    this.#tellInvalid();
  }

  /** The live source started; where `ready()` waits for it, that goes on from here. */
  #onStart(): void {
    if (!this.#isPersistent || this.#ready !== undefined || this.#closing.signal.aborted) return;
    if (this.#unusableKeys().length > 0) this.#monitor.enter('failed');
    else this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#monitor.phase === 'ready') return;
    const { ruleset } = this.#store;
    this.#monitor.enter('ready');
    this.#emit({ type: 'ready', environment: ruleset?.environment ?? '', revision: ruleset?.revision ?? '' });
  }

  #onChange(change: ConfigChange): void {
    this.#telemetry?.changed(change);
    this.#emit({ type: 'changed', ...change });
    this.#tellInvalid();
    const isMended = this.#isPersistent && this.#monitor.phase === 'failed' && this.#ready === undefined;
    if (isMended && this.#unusableKeys().length === 0) this.#becomeReady();
  }

  /** @throws {ValuesInvalidError} listing required keys without a valid value, and refused overrides. */
  #checkValues(cause?: unknown): void {
    const refused = this.#isPersistent ? [] : this.#sources.refusedOverrides;
    const keys = [...refused, ...this.#unusableKeys()];
    if (keys.length === 0) return;
    const environment = this.#store.ruleset?.environment ?? resolveEnvironment(this.#options);
    throw new ValuesInvalidError(environment, keys, { cause });
  }

  #unusableKeys(): InvalidKey[] {
    return this.#store.invalidKeys().filter(({ key }) => this.#store.get(key)?.hasValue !== true);
  }

  #invalidKeys(): InvalidKey[] {
    return [...this.#sources.refusedOverrides, ...this.#store.invalidKeys()];
  }

  #tellInvalid(): void {
    const keys = this.#invalidKeys();
    const words = keys.map(({ message }) => message).join('\n');
    if (words === this.#toldInvalid) return;
    this.#toldInvalid = words;
    if (keys.length > 0) this.#emit({ type: 'invalid', keys });
  }

  async #close(): Promise<void> {
    this.#monitor.enter('closed');
    this.#closing.abort();
    const listeners = [...this.#closeListeners];
    this.#closeListeners.clear();
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        this.#emit({ type: 'listener-error', error });
      }
    }
    await this.#sources.close();
  }
}

function isFault(error: unknown): boolean {
  return isConfigError(error) && OWN_FAULTS.has(error.code);
}

function closedError(): ClientClosedError {
  return new ClientClosedError('The config client was closed. Create a new one with createConfigClient.');
}

function timeoutError(timeoutMs: number, cause?: unknown): ReadyTimeoutError {
  const reason = cause instanceof Error ? ` Last failure: ${cause.message}` : '';
  return new ReadyTimeoutError(
    `The config client was not ready within ${timeoutMs} ms.${reason} Check the API URL and that the server runs, or give ready({ timeoutMs }) more.`,
    { cause },
  );
}

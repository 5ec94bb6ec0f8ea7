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
import type { ConfigChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import type { AnyConfig } from '../schema/config-types.ts';
import { resolveEnvironment } from '../settings.ts';
import type { TokenStatus } from '../token/token-monitor.ts';
import type { ConfigClientEvent, ConfigClientOptions } from './client-options.ts';
import { ClientSources } from './client-sources.ts';
import { type ClientStatus, StatusMonitor } from './client-status.ts';
import type { ClientTelemetry } from './client-telemetry.ts';
import type { ServerConnection } from './remote-evaluation.ts';

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
  transport: 'none' | 'stream' | 'polling' | 'memory' | 'cache' | 'file';
  /** How the event stream stands. */
  stream: 'connecting' | 'open' | 'closed';
  /** The token provider's state, without values; undefined where there is none. */
  token: TokenStatus | undefined;
  /** Keys whose newest stored value is missing or refused by the schema, and refused overrides. */
  invalidKeys: readonly InvalidKey[];
}

/** What a {@link ClientLifecycle} takes. */
export interface ClientLifecycleOptions {
  options: ConfigClientOptions<AnyConfig>;
  store: RulesetStore;
  telemetry: ClientTelemetry | undefined;
  emit: (event: ConfigClientEvent) => void;
}

/** Faults of the program, which no fallback and no repetition mends. */
const OWN_FAULTS: ReadonlySet<ConfigErrorCode> = new Set(['ERR_SETTINGS_MISSING', 'ERR_OPTIONS_INVALID']);

/** The start, the state and the end of a client. */
export class ClientLifecycle {
  readonly #options: ConfigClientOptions<AnyConfig>;
  readonly #store: RulesetStore;
  readonly #telemetry: ClientTelemetry | undefined;
  readonly #emit: (event: ConfigClientEvent) => void;
  readonly #monitor: StatusMonitor;
  readonly #sources: ClientSources;
  readonly #closing = new AbortController();
  readonly #closeListeners = new Set<() => unknown>();
  readonly #onListenerError: (error: unknown) => void;
  /** How many callers of `ready()` wait for the start. */
  #waiting = 0;
  #closed: Promise<void> | undefined;
  #isLazy: boolean;
  /** What was told last of keys at fault. */
  #toldInvalid = '';

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
    const onChange = (change: ConfigChange): void => this.#onChange(change);
    this.#sources = new ClientSources({ options, store, monitor, telemetry, emit, onStart, onChange });
    if (options.start === 'background') this.#startUnawaited();
  }

  /** Each caller waits as long as it says for the one start under way; the last that gives up ends it. */
  async ready(timeoutMs: number): Promise<void> {
    checkMilliseconds('timeoutMs', timeoutMs);
    if (this.#closing.signal.aborted) throw closedError();
    if (this.#isReady()) return;
    this.#isLazy = false;
    if (this.#monitor.phase === 'failed') this.#monitor.enter('starting');
    this.#waiting += 1;
    const deadline = new Deadline({ timeoutMs, signal: this.#closing.signal });
    const failure = await deadline.race(this.#sources.begin()).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    deadline.end();
    this.#waiting -= 1;
    if (this.#isReady()) return;
    const lateMs = deadline.over?.kind === 'timeout' ? timeoutMs : undefined;
    try {
      if (failure === undefined) this.#checkValues();
      else this.#goOffline(lateMs === undefined ? failure.error : this.#timeoutError(lateMs));
      this.#becomeReady();
    } catch (error) {
      throw await this.#giveUp(error, lateMs);
    }
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
    return {
      status,
      environment: ruleset?.environment,
      revision: ruleset?.revision,
      ageMs,
      transport: isArriving ? connection : live === undefined ? (offline ?? 'none') : 'none',
      stream: connection === 'stream' ? 'open' : connection === 'connecting' ? 'connecting' : 'closed',
      token: this.#sources.token,
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

  /** Who evaluates flags and limits where this client cannot. @throws {SettingsError} listing all that is missing. */
  get server(): ServerConnection | undefined {
    return this.#sources.server;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #isReady(): boolean {
    return this.#monitor.phase === 'ready';
  }

  /** Whether a start that failed is repeated without anybody asking. */
  get #isPersistent(): boolean {
    return this.#options.start === 'background' || this.#options.start === 'lazy';
  }

  /** Goes by what is on disk or bundled where it may and can; else throws what keeps it from its server. */
  #goOffline(failure: unknown): void {
    const { live, offline } = this.#store;
    const isLasting = isFault(failure) || this.#closing.signal.aborted;
    if (this.#options.fallback === undefined || offline === undefined || live !== undefined || isLasting) {
      throw failure;
    }
    this.#store.complete();
    this.#checkValues(failure);
    this.#sources.persist();
    this.#emit({ type: 'fallback', from: offline, error: failure });
  }

  /** A caller of `ready()` gave up: ends a start that nobody waits for any more, and answers what to throw. */
  async #giveUp(error: unknown, lateMs: number | undefined): Promise<unknown> {
    const goesOn = this.#isPersistent && !isFault(error);
    const isOver = this.#waiting === 0 && !goesOn && !this.#closing.signal.aborted;
    const reason = isOver ? await this.#sources.reset() : undefined;
    if (this.#closing.signal.aborted) return closedError();
    // Meanwhile another caller may have begun anew.
    const isFailed = this.#waiting === 0 && (!goesOn || isConfigError(error, 'ERR_VALUES_INVALID'));
    if (isFailed && !this.#isReady()) this.#monitor.enter('failed');
    const isLate = lateMs !== undefined && isConfigError(error, 'ERR_READY_TIMEOUT');
    return isLate ? this.#timeoutError(lateMs, reason) : error;
  }

  /** Names the failure that kept the start waiting: `reason`, unless that only says that the wait was ended. */
  #timeoutError(timeoutMs: number, reason?: unknown): ReadyTimeoutError {
    const told = reason instanceof Error && !isAborted(reason) ? reason : this.#sources.lastFailure;
    const words = told === undefined ? '' : ` Last failure: ${told.message}`;
    return new ReadyTimeoutError(
      `The config client was not ready within ${timeoutMs} ms.${words} Check the API URL and that the server runs, or give ready({ timeoutMs }) more.`,
      told instanceof Error ? { cause: told } : undefined,
    );
  }

  /** Nobody waits for this start: what is wrong is told as an event, and thrown to whoever calls `ready()` then. */
  #startUnawaited(): void {
    this.#isLazy = false;
    this.#sources.begin().catch((error: unknown) => {
      // Other failures are followed by another start.
      if (!isFault(error)) return;
      void this.#sources.reset();
      this.#monitor.enter('failed');
      this.#emit({ type: 'connection', status: 'disconnected', error });
    });
    this.#tellInvalid();
  }

  /** The live source started, whether somebody waits for it or not. */
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

  #onChange(change: ConfigChange): void {
    this.#telemetry?.changed(change);
    this.#emit({ type: 'changed', ...change });
    this.#tellInvalid();
    const isMended = this.#isPersistent && this.#monitor.phase === 'failed';
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
    for (const listener of this.#closeListeners) {
      this.#closeListeners.delete(listener);
      callGuarded(listener, this.#onListenerError);
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

function isAborted(error: unknown): boolean {
  return isConfigError(error, 'ERR_REQUEST_TRANSPORT') && error.reason === 'aborted';
}

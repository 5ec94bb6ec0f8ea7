import type { ParsedEvaluation } from './compiled-key.ts';
import { ConfigApi } from './config-api.ts';
import {
  ClientClosedError,
  type InvalidKey,
  NotReadyError,
  ReadyTimeoutError,
  UnknownKeyError,
  ValueMissingError,
  ValuesInvalidError,
} from './errors.ts';
import type { Explanation } from './explain.ts';
import { RemoteSource } from './remote-source.ts';
import type { RulesetSink, RulesetSource, SourceStatus } from './ruleset-source.ts';
import { type ConfigChange, RulesetStore } from './ruleset-store.ts';
import type {
  AnyConfig,
  ConfigContext,
  FlagKey,
  FlagValue,
  LimitKey,
  PublicKey,
  PublicValue,
  RegisteredConfig,
  SecretKey,
  SecretValue,
} from './schema.ts';
import { resolveSettings, type SettingsOptions } from './settings.ts';
import { getSharedTokenProvider } from './shared-token-provider.ts';
import { takeSnapshot } from './snapshot.ts';
import { tierNames } from './tiers.ts';
import { TokenProvider } from './token-provider.ts';
import type { Evaluation, EvaluationContext, Ruleset, RulesetPatch, Snapshot, Tier } from './wire.ts';

/** What a client tells its `onEvent` hook. No event carries a value. */
export type ConfigClientEvent =
  | { type: 'ready'; environment: string; revision: string }
  | { type: 'changed'; revision: string; keys: readonly string[] }
  | { type: 'source'; status: SourceStatus; error?: unknown }
  | { type: 'invalid'; keys: readonly InvalidKey[] }
  | { type: 'listener-error'; error: unknown };

/** Options of {@link createConfigClient}; settings that are left out come from the environment. */
export interface ConfigClientOptions<Config extends AnyConfig = RegisteredConfig> extends SettingsOptions {
  /** The schema. */
  config: Config;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Told of every transition. What it throws is ignored. */
  onEvent?: (event: ConfigClientEvent) => void;
  /** How often the server is asked while the stream fails; default 30,000. */
  pollIntervalMs?: number;
  /** Takes the place of the config server; settings are then not needed. */
  source?: RulesetSource;
}

/** The state of a client. */
export interface ConfigHealth {
  /** `stale`: the last good values are served, but the server is not heard of. */
  status: 'starting' | 'ready' | 'stale' | 'failed' | 'closed';
  environment: string | undefined;
  revision: string | undefined;
  /** Milliseconds since the server last confirmed the values; undefined before it did. */
  ageMs: number | undefined;
  source: 'none' | 'stream' | 'polling' | 'memory';
  /** Keys whose newest stored value is missing or refused by the schema. */
  invalidKeys: readonly InvalidKey[];
}

/** Default time that {@link ConfigClient.ready} waits. */
const READY_TIMEOUT_MS = 10_000;

const EMPTY_CONTEXT: EvaluationContext = Object.freeze({});

/**
 * The configuration of a running process: fetched once, kept live, read synchronously from memory.
 * It holds secrets, so it exists on servers only.
 */
export class ConfigClient<Config extends AnyConfig = RegisteredConfig> {
  readonly config: Config;
  readonly #options: ConfigClientOptions<Config>;
  readonly #store: RulesetStore;
  #source: RulesetSource | undefined;
  #ready: Promise<this> | undefined;
  #status: 'starting' | 'ready' | 'failed' | 'closed' = 'starting';
  #sourceStatus: SourceStatus = 'connecting';
  #confirmedAt: number | undefined;
  readonly #closing = new AbortController();
  readonly #closeListeners = new Set<() => void>();

  constructor(options: ConfigClientOptions<Config>) {
    this.config = options.config;
    this.#options = options;
    this.#store = new RulesetStore(options.config, (error) => this.#emit({ type: 'listener-error', error }));
  }

  /**
   * Gets the settings, a token and the values, and checks every required key; then the client stays live.
   * Concurrent calls share one start; after a failure the next call starts anew.
   *
   * @param options - `timeoutMs`: how long to wait for the server, default 10,000.
   * @throws {SettingsError} listing all settings that are missing.
   * @throws {ValuesInvalidError} listing all keys that are missing or invalid.
   * @throws {ReadyTimeoutError} with the last failure as its cause.
   */
  ready(options: { timeoutMs?: number } = {}): Promise<this> {
    if (this.#status === 'closed') return Promise.reject(closedError());
    this.#ready ??= this.#start(options.timeoutMs ?? READY_TIMEOUT_MS).catch((error: unknown) => {
      this.#ready = undefined;
      if (this.#status !== 'closed') this.#status = 'failed';
      throw error;
    });
    return this.#ready;
  }

  /**
   * A public value, parsed by its schema.
   * @throws {NotReadyError} before `ready()` where the schema has no default.
   * @throws {UnknownKeyError} for a key that is no public value.
   */
  public<Key extends PublicKey<Config>>(key: Key): PublicValue<Key, Config> {
    return this.#read('public', key) as PublicValue<Key, Config>;
  }

  /**
   * A secret, parsed by its schema.
   * @throws {NotReadyError} before `ready()` where the schema has no default.
   * @throws {UnknownKeyError} for a key that is no secret.
   */
  secret<Key extends SecretKey<Config>>(key: Key): SecretValue<Key, Config> {
    return this.#read('secret', key) as SecretValue<Key, Config>;
  }

  /** A flag's value for a context (default: the empty one). Never throws: where nothing valid is stored, the schema's default. */
  flag<Key extends FlagKey<Config>>(key: Key, context?: ConfigContext<Config>): FlagValue<Key, Config> {
    return this.#value('feature_flag', key, context) as FlagValue<Key, Config>;
  }

  /** A flag's value with how it came about; `errorCode` says why it is a default, where that is so. Never throws. */
  flagDetails<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
  ): Evaluation<FlagValue<Key, Config>> & { errorCode?: string } {
    return this.#evaluate('feature_flag', key, context) as Evaluation<FlagValue<Key, Config>>;
  }

  /** A limit for a context (default: the empty one), snapped and clamped. Never throws. */
  limit<Key extends LimitKey<Config>>(key: Key, context?: ConfigContext<Config>): number {
    return this.#value('limit', key, context) as number;
  }

  /** A limit with how it came about. Never throws. */
  limitDetails<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
  ): Evaluation<number> & { errorCode?: string } {
    return this.#evaluate('limit', key, context) as Evaluation<number>;
  }

  /** How a flag or limit comes to its answer for a context: each rule, condition and rollout. Slow; never throws. */
  explain(key: FlagKey<Config> | LimitKey<Config>, context?: ConfigContext<Config>): Explanation<unknown> {
    const tier = this.config.keys.get(key)?.tier === 'limit' ? 'limit' : 'feature_flag';
    const answer = this.#evaluate(tier, key, context);
    const explained = this.#store.explain(key, context ?? EMPTY_CONTEXT);
    return { ...(explained ?? { key, isTargeted: false, rules: [] }), answer };
  }

  /** What a browser may see for a context: public values and answers. Secrets, rules and segments have no place in it. */
  snapshot(context?: ConfigContext<Config>): Snapshot {
    return takeSnapshot(this.config, this.#store, context ?? EMPTY_CONTEXT);
  }

  /** Calls `listener` after each applied change, once a batch, until the answered function is called. */
  subscribe(listener: (change: ConfigChange) => void): () => void {
    return this.#store.subscribe(listener);
  }

  /**
   * Calls `listener` once the client is closed (at once where it is already), until the answered function is called:
   * for what lives as long as the client does.
   */
  onClose(listener: () => void): () => void {
    if (this.#status === 'closed') {
      listener();
      return () => undefined;
    }
    const entry = (): void => listener();
    this.#closeListeners.add(entry);
    return () => {
      this.#closeListeners.delete(entry);
    };
  }

  /** The state of the client. Never throws. */
  health(): ConfigHealth {
    const ruleset = this.#store.ruleset;
    const isStale = this.#status === 'ready' && this.#sourceStatus === 'disconnected';
    const live = this.#sourceStatus;
    return {
      status: isStale ? 'stale' : this.#status,
      environment: ruleset?.environment,
      revision: ruleset?.revision,
      ageMs: this.#confirmedAt === undefined ? undefined : Math.round(performance.now() - this.#confirmedAt),
      source: live === 'stream' || live === 'polling' || live === 'memory' ? live : 'none',
      invalidKeys: this.#store.invalidKeys(),
    };
  }

  /** Ends connections and timers. Values in hand can still be read; `ready()` then rejects. */
  async close(): Promise<void> {
    this.#status = 'closed';
    this.#closing.abort();
    this.#source?.stop();
    const listeners = [...this.#closeListeners];
    this.#closeListeners.clear();
    for (const listener of listeners) this.#tellClosed(listener);
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(timeoutMs: number): Promise<this> {
    this.#status = 'starting';
    const deadline = new AbortController();
    const expire = (): void => deadline.abort();
    const timer = setTimeout(expire, timeoutMs);
    this.#closing.signal.addEventListener('abort', expire, { once: true });
    const source = this.#options.source ?? this.#remoteSource();
    this.#source = source;
    try {
      await source.start(this.#sink(source), deadline.signal);
    } catch (error) {
      source.stop();
      if (this.#closing.signal.aborted) throw closedError();
      if (deadline.signal.aborted) throw timeoutError(timeoutMs, error);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', expire);
    }
    if (this.#closing.signal.aborted) {
      source.stop();
      throw closedError();
    }
    return this.#finishStart(source);
  }

  #finishStart(source: RulesetSource): this {
    const ruleset = this.#store.ruleset;
    const unusable = this.#store.invalidKeys().filter(({ key }) => this.#store.get(key)?.hasValue !== true);
    if (unusable.length > 0) {
      source.stop();
      throw new ValuesInvalidError(ruleset?.environment ?? 'unknown', unusable);
    }
    this.#status = 'ready';
    this.#emit({ type: 'ready', environment: ruleset?.environment ?? '', revision: ruleset?.revision ?? '' });
    return this;
  }

  #remoteSource(): RulesetSource {
    const options = this.#options;
    const settings = resolveSettings(options);
    const { apiUrl, organizationId, environment } = settings;
    const { fetch, allowInsecureHttp } = options;
    const http = { fetch, allowInsecureHttp };
    const tokens = { ...settings, ...http };
    // A `fetch` of the client's own may keep state; all others of a process share one token.
    const tokenProvider = fetch === undefined ? getSharedTokenProvider(tokens) : new TokenProvider(tokens);
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider, ...http });
    const { pollIntervalMs } = options;
    return new RemoteSource({ api, environment, ...(pollIntervalMs !== undefined && { pollIntervalMs }) });
  }

  #sink(source: RulesetSource): RulesetSink {
    const store = this.#store;
    // A source that was replaced or stopped has no say any more.
    const isCurrent = (): boolean => this.#source === source && this.#status !== 'closed';
    const applied = (change: ConfigChange | undefined): void => {
      if (change === undefined) return;
      this.#emit({ type: 'changed', ...change });
      const invalid = store.invalidKeys();
      if (invalid.length > 0) this.#emit({ type: 'invalid', keys: invalid });
    };
    return {
      get revision() {
        return store.ruleset?.revision;
      },
      get epoch() {
        return store.ruleset?.epoch;
      },
      replace: (ruleset: Ruleset) => {
        if (isCurrent()) applied(store.replace(ruleset));
      },
      patch: (patch: RulesetPatch) => {
        if (isCurrent()) applied(store.patch(patch));
      },
      confirm: () => {
        this.#confirmedAt = performance.now();
      },
      status: (status, error) => {
        if (!isCurrent()) return;
        const isSame = this.#sourceStatus === status && error === undefined;
        this.#sourceStatus = status;
        if (!isSame) this.#emit({ type: 'source', status, ...(error !== undefined && { error }) });
      },
    };
  }

  /** The value of {@link #evaluate}, without an object for how it came about. */
  #value(tier: Tier, key: string, context: EvaluationContext | undefined): unknown {
    const compiled = this.#store.get(key);
    if (compiled === undefined || compiled.tier !== tier) return this.#unavailable(tier, key).value;
    return compiled.value(context ?? EMPTY_CONTEXT);
  }

  #evaluate(tier: Tier, key: string, context: EvaluationContext | undefined): ParsedEvaluation {
    const compiled = this.#store.get(key);
    if (compiled === undefined || compiled.tier !== tier) return this.#unavailable(tier, key);
    return compiled.evaluate(context ?? EMPTY_CONTEXT);
  }

  #unavailable(tier: Tier, key: string): ParsedEvaluation {
    if (this.config.keys.get(key)?.tier !== tier) {
      return { value: undefined, source: 'default', errorCode: 'ERR_KEY_UNKNOWN' };
    }
    const fallback = this.#store.defaultOf(key);
    return {
      value: fallback?.ok ? fallback.value : undefined,
      source: 'default',
      errorCode: 'ERR_NOT_READY',
    };
  }

  #read(tier: Tier, key: string): unknown {
    const { label, group } = tierNames(tier);
    if (this.config.keys.get(key)?.tier !== tier) {
      throw new UnknownKeyError(
        key,
        `"${key}" is no ${label} of the schema. Declare it under "${group}", or check its name.`,
      );
    }
    const compiled = this.#store.get(key);
    if (compiled?.hasValue === true) return compiled.fixed?.value;
    const fallback = this.#store.defaultOf(key);
    if (compiled === undefined && fallback?.ok) return fallback.value;
    if (compiled === undefined) {
      throw new NotReadyError(
        `${group}.${key} was read before the client was ready. Await client.ready() first.`,
      );
    }
    throw new ValueMissingError(
      key,
      `${group}.${key} has no valid value and no default. Set the ${label} on the config server.`,
    );
  }

  #tellClosed(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#emit({ type: 'listener-error', error });
    }
  }

  #emit(event: ConfigClientEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch {
      // A fault in the hook must not stop the client.
    }
  }
}

/**
 * Makes a client; nothing is fetched before `ready()`.
 *
 * @example
 * const client = await createConfigClient({ config }).ready();
 * client.flag('newCheckout', { userId: 'u-1' });
 */
export function createConfigClient<Config extends AnyConfig>(
  options: ConfigClientOptions<Config>,
): ConfigClient<Config> {
  return new ConfigClient(options);
}

function closedError(): ClientClosedError {
  return new ClientClosedError('The config client was closed. Create a new one with createConfigClient.');
}

function timeoutError(timeoutMs: number, cause: unknown): ReadyTimeoutError {
  const reason = cause instanceof Error ? ` Last failure: ${cause.message}` : '';
  return new ReadyTimeoutError(
    `The config client was not ready within ${timeoutMs} ms.${reason} Check the API URL and that the server runs, or give ready({ timeoutMs }) more.`,
    { cause },
  );
}

import { NotReadyError, ValueMissingError } from '../errors.ts';
import type { Explanation } from '../evaluation/explain/explain.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { CompiledKey, ParsedEvaluation } from '../ruleset/compiled-key.ts';
import { sameStored } from '../ruleset/packed-value.ts';
import { type ClientChange, RulesetStore } from '../ruleset/ruleset-store.ts';
import type { ValueOrigin } from '../ruleset/value-layers.ts';
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
} from '../schema/config-types.ts';
import type { ConfigSnapshot } from '../snapshot/config-snapshot.ts';
import { takeSnapshot } from '../snapshot/take-snapshot.ts';
import { tierNames } from '../tiers.ts';
import type { Evaluation, EvaluationContext, Snapshot, Tier } from '../wire.ts';
import { type ConfigClientEvent, type ConfigClientOptions, checkClientOptions } from './client-options.ts';
import type { ClientStatus } from './client-status.ts';
import { ClientTelemetry } from './client-telemetry.ts';
import { declaredKey } from './declared-key.ts';
import { ClientLifecycle, type ConfigHealth } from './lifecycle.ts';
import { type RefreshOptions, refresh } from './refresh.ts';
import { type EvaluateOptions, RemoteEvaluation } from './remote-evaluation.ts';

const READY_TIMEOUT_MS = 10_000;

const EMPTY_CONTEXT: EvaluationContext = Object.freeze({});

/**
 * The configuration of a running process. It is fetched once, kept up to date in the background, and read
 * synchronously from memory. It holds secrets, so use it on servers only.
 *
 * Create one with {@link createConfigClient}, or share one per process with `getSharedConfigClient`.
 */
export class ConfigClient<Config extends AnyConfig = RegisteredConfig> {
  /** The schema that the client was created with. */
  readonly config: Config;
  readonly #store: RulesetStore;
  readonly #lifecycle: ClientLifecycle;
  readonly #remote: RemoteEvaluation;
  /** Undefined if reads are not counted. */
  readonly #reads: ClientTelemetry | undefined;
  readonly #onEvent: ((event: ConfigClientEvent) => unknown) | undefined;
  readonly #statusListeners = new Set<(status: ClientStatus) => unknown>();

  /** @throws {OptionsError} for an option with an invalid value. */
  constructor(options: ConfigClientOptions<Config>) {
    checkClientOptions(options);
    this.config = options.config;
    this.#onEvent = options.onEvent;
    const emit = (event: ConfigClientEvent): void => this.#emit(event);
    const telemetry = options.telemetry && new ClientTelemetry(options.telemetry);
    this.#reads = telemetry?.countsReads ? telemetry : undefined;
    this.#store = new RulesetStore(options.config, (error) => emit({ type: 'listener-error', error }));
    this.#lifecycle = new ClientLifecycle({ options, store: this.#store, telemetry, emit });
    this.#remote = new RemoteEvaluation({
      config: options.config,
      server: () => this.#lifecycle.server,
      local: (tier, key, context) => this.#evaluate(tier, key, context),
      epoch: () => this.#store.ruleset?.epoch,
      signal: this.#lifecycle.signal,
      cache: options.evaluationCache,
    });
    this.#store.subscribe(({ keys }) => this.#remote.changed(keys));
  }

  /**
   * Fetches the values and checks that every required key has one. From then on the client keeps itself up to date.
   * Resolves with the client; at once if it is ready already.
   *
   * Concurrent calls share one start. A call whose `timeoutMs` passes rejects alone. The start is cancelled when no
   * call is waiting for it any more, unless the `start` option is `background` or `lazy`, which keep trying. After
   * a failure, call `ready()` again to start again.
   *
   * With `fallback: 'cached'`, the client starts from the disk copy or the bundled values if the server cannot be
   * reached in time, and then keeps trying to reach it.
   *
   * @param options - `timeoutMs`: how long this call waits, in milliseconds; default 10,000.
   * @throws {SettingsError} listing all settings that are missing or malformed.
   * @throws {OptionsError} for an option with an invalid value, such as malformed bundled values.
   * @throws {ValuesInvalidError} listing all keys that are missing or invalid.
   * @throws {ReadyTimeoutError} with the last failure as its cause.
   * @throws {RequestRejectedError} if the server rejects the client's requests with a 4xx status.
   * @throws {TokenRejectedError} if the issuer rejects the credentials.
   * @throws {ClientClosedError} after `close()`.
   */
  async ready(options: { timeoutMs?: number } = {}): Promise<this> {
    await this.#lifecycle.ready(options.timeoutMs ?? READY_TIMEOUT_MS);
    return this;
  }

  /**
   * Fetches the newest values now, instead of waiting for the stream. Starts a client that has not started. With
   * `revision`, it resolves once the client has that revision or a newer one, at once if it has it already. A failure
   * that may pass is retried while there is time.
   *
   * @throws {RequestTransportError} if the values do not arrive in time, or `signal` aborts.
   * @throws {OptionsError} for an option with an invalid value, and the errors of {@link ready}.
   */
  async refresh(options: RefreshOptions = {}): Promise<this> {
    await refresh({ store: this.#store, lifecycle: this.#lifecycle }, options);
    return this;
  }

  /**
   * Returns a public value, parsed by the schema. It is deeply frozen, although its type does not say so; what cannot be
   * frozen, such as a Date, Map, URL or instance of a class, is shared by all readers: do not change it.
   *
   * @throws {NotReadyError} before `ready()`, if the schema has no default for the key.
   * @throws {ValueMissingError} if the key has no valid value and no default.
   * @throws {UnknownKeyError} if the key is not a public value in the schema.
   */
  public<Key extends PublicKey<Config>>(key: Key): PublicValue<Key, Config> {
    return this.#read('public', key) as PublicValue<Key, Config>;
  }

  /**
   * Returns a secret, parsed by the schema. It is frozen as {@link public} says.
   *
   * @throws {NotReadyError} before `ready()`, if the schema has no default for the key.
   * @throws {ValueMissingError} if the key has no valid value and no default.
   * @throws {UnknownKeyError} if the key is not a secret in the schema.
   */
  secret<Key extends SecretKey<Config>>(key: Key): SecretValue<Key, Config> {
    return this.#read('secret', key) as SecretValue<Key, Config>;
  }

  /**
   * Evaluates a flag for a context. Returns the schema's default if no valid value is stored. Never throws.
   *
   * @param context - attributes of the user or request, such as `{ userId }`; default the empty context.
   */
  flag<Key extends FlagKey<Config>>(key: Key, context?: ConfigContext<Config>): FlagValue<Key, Config> {
    return this.#value('feature_flag', key, context) as FlagValue<Key, Config>;
  }

  /**
   * Like {@link flag}, but also returns the reason: `source`, the rule that matched and the rollout bucket. `errorCode`
   * says why the value is a default, if an error caused it. Do not modify the result: it may be shared. Never throws.
   */
  flagDetails<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
  ): Evaluation<FlagValue<Key, Config>> & { errorCode?: string } {
    return this.#evaluate('feature_flag', key, context) as Evaluation<FlagValue<Key, Config>>;
  }

  /** Evaluates a limit for a context. The number is snapped to the limit's step and clamped. Never throws. */
  limit<Key extends LimitKey<Config>>(key: Key, context?: ConfigContext<Config>): number {
    return this.#value('limit', key, context) as number;
  }

  /** Like {@link limit}, but also returns the reason. See {@link flagDetails}. Never throws. */
  limitDetails<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
  ): Evaluation<number> & { errorCode?: string } {
    return this.#evaluate('limit', key, context) as Evaluation<number>;
  }

  /**
   * Evaluates a flag on the server: for platforms that do not publish their targeting rules. Works before `ready()` too.
   * Concurrent calls for the same key and context share one request. A client without a server evaluates locally.
   *
   * @throws {UnknownKeyError} if the key is not a flag in the schema.
   * @throws {EvaluateNotFoundError} if the server has nothing to evaluate for the key.
   * @throws {EvaluateContextError} for a context that is not plain JSON, or that the server rejects.
   * @throws {EvaluateFailedError} for every other failure, a timeout or an aborted `signal` included.
   * @throws {NotReadyError} before `ready()`, if the client has no server.
   */
  async evaluateFlag<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<FlagValue<Key, Config>> {
    return (await this.evaluateFlagDetails(key, context, options)).value;
  }

  /** Like {@link evaluateFlag}, but also returns the reason. */
  async evaluateFlagDetails<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<Evaluation<FlagValue<Key, Config>>> {
    const result = await this.#remote.evaluate({ tier: 'feature_flag', key, context }, options);
    return result as Evaluation<FlagValue<Key, Config>>;
  }

  /** Evaluates a limit on the server, snapped and clamped. Throws the same errors as {@link evaluateFlag}. */
  async evaluateLimit<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<number> {
    return (await this.evaluateLimitDetails(key, context, options)).value;
  }

  /** Like {@link evaluateLimit}, but also returns the reason. */
  async evaluateLimitDetails<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<Evaluation<number>> {
    const result = await this.#remote.evaluate({ tier: 'limit', key, context }, options);
    return result as Evaluation<number>;
  }

  /**
   * Explains how a flag or limit is evaluated for a context: each rule, condition and rollout. Much slower than a
   * read; meant for debugging. Never throws.
   */
  explain(key: FlagKey<Config> | LimitKey<Config>, context?: ConfigContext<Config>): Explanation<unknown> {
    const tier = this.config.keys.get(key)?.tier === 'limit' ? 'limit' : 'feature_flag';
    const evaluation = this.#evaluate(tier, key, context);
    const explained = this.#store.explain(key, context ?? EMPTY_CONTEXT);
    return { ...(explained ?? { key, isTargeted: false, rules: [] }), evaluation };
  }

  /**
   * Returns what a browser may see for a context: public values, and flags and limits evaluated for it. It never
   * contains secrets, rules or segments.
   *
   * @param options - `keys`: the keys to include; default all.
   */
  snapshot(context?: ConfigContext<Config>): Snapshot & ConfigSnapshot<Config>;
  snapshot(
    context: ConfigContext<Config> | undefined,
    options: { keys: Iterable<string> } | undefined,
  ): Snapshot;
  snapshot(context?: ConfigContext<Config>, options?: { keys: Iterable<string> }): Snapshot {
    const source = { config: this.config, store: this.#store };
    return takeSnapshot(source, context ?? EMPTY_CONTEXT, options?.keys);
  }

  /**
   * Calls `listener` after each change, with the keys that may read differently now. Changes that arrive together
   * are one call. Returns an unsubscribe function.
   */
  subscribe(listener: (change: ClientChange) => unknown): () => void {
    return this.#store.subscribe(({ revision, keys }) =>
      keys.length === 0 ? undefined : listener({ revision, keys }),
    );
  }

  /** Calls `listener` after each change of `health().status`. Returns an unsubscribe function. */
  onStatusChange(listener: (status: ClientStatus) => unknown): () => void {
    // Wrapped, so that a function that is passed twice is called twice, and each subscription ends on its own.
    const entry = (status: ClientStatus): unknown => listener(status);
    this.#statusListeners.add(entry);
    return () => this.#statusListeners.delete(entry);
  }

  /** Calls `listener` when the client is closed, or at once if it already is. Returns an unsubscribe function. */
  onClose(listener: () => unknown): () => void {
    return this.#lifecycle.onClose(listener);
  }

  /**
   * Returns where the current value of a key comes from: `environment` (an environment variable), `server`, `cache` (the
   * disk copy), `file` (a bundled value), `default` (the schema's), or `none` without a valid value. Never throws.
   */
  origin(key: PublicKey<Config> | SecretKey<Config> | FlagKey<Config> | LimitKey<Config>): ValueOrigin {
    this.#lifecycle.startIfLazy();
    return this.#store.originOf(key);
  }

  /**
   * Calls `listener` with the new value whenever a secret changes, such as after a rotation. It is not called for
   * the first value, nor for values that the schema rejects. Returns an unsubscribe function.
   *
   * @throws {UnknownKeyError} if the key is not a secret in the schema.
   */
  onSecretChange<Key extends SecretKey<Config>>(
    key: Key,
    listener: (value: SecretValue<Key, Config>) => unknown,
  ): () => void {
    declaredKey(this.config, 'secret', key);
    const read = (): CompiledKey | undefined => {
      const compiled = this.#store.get(key);
      // A key that keeps its previous value has not changed.
      return compiled?.hasValue === true && compiled.serves !== 'previous' ? compiled : undefined;
    };
    let last = read();
    return this.#store.subscribe(({ keys }) => {
      const next = keys.includes(key) ? read() : undefined;
      if (next === undefined) return undefined;
      const previous = last;
      last = next;
      if (previous === undefined || isSameValue(previous, next)) return undefined;
      return listener(next.fixed?.value as SecretValue<Key, Config>);
    });
  }

  /** Returns the state of the client, for a health check or a log. Contains no values. Never throws. */
  health(): ConfigHealth {
    return this.#lifecycle.health();
  }

  /**
   * Ends all connections and timers, and finishes pending writes to the disk copy. The last values can still be read;
   * `ready()` rejects from then on.
   */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Like {@link #evaluate}, but without allocating a result object. */
  #value(tier: Tier, key: string, context: EvaluationContext | undefined): unknown {
    this.#reads?.read(tier, this.#store.originOf(key));
    const compiled = this.#store.get(key);
    if (compiled === undefined || compiled.tier !== tier) return this.#unavailable(tier, key, context).value;
    return compiled.value(context ?? EMPTY_CONTEXT);
  }

  #evaluate(tier: Tier, key: string, context: EvaluationContext | undefined): ParsedEvaluation {
    this.#reads?.read(tier, this.#store.originOf(key));
    const compiled = this.#store.get(key);
    if (compiled === undefined || compiled.tier !== tier) return this.#unavailable(tier, key, context);
    return compiled.evaluate(context ?? EMPTY_CONTEXT);
  }

  #unavailable(tier: Tier, key: string, context: EvaluationContext | undefined): ParsedEvaluation {
    if (this.config.keys.get(key)?.tier !== tier) {
      return { value: undefined, source: 'default', errorCode: 'ERR_KEY_UNKNOWN' };
    }
    const compiled = this.#lifecycle.startIfLazy() ? this.#store.get(key) : undefined;
    if (compiled !== undefined) return compiled.evaluate(context ?? EMPTY_CONTEXT);
    const fallback = this.#store.defaultOf(key);
    return {
      value: fallback?.ok ? fallback.value : undefined,
      source: 'default',
      errorCode: 'ERR_NOT_READY',
    };
  }

  #read(tier: Tier, key: string): unknown {
    declaredKey(this.config, tier, key);
    this.#reads?.read(tier, this.#store.originOf(key));
    let compiled = this.#store.get(key);
    if (compiled === undefined && this.#lifecycle.startIfLazy()) compiled = this.#store.get(key);
    if (compiled?.hasValue === true) return compiled.fixed?.value;
    const fallback = this.#store.defaultOf(key);
    if (compiled === undefined && fallback?.ok) return fallback.value;
    const { label, group } = tierNames(tier);
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

  #emit(event: ConfigClientEvent): void {
    // An error in the hook must not stop the client.
    callGuarded(() => this.#onEvent?.(event));
    if (event.type !== 'status') return;
    for (const listener of [...this.#statusListeners]) {
      callGuarded(
        () => listener(event.status),
        (error) => this.#emit({ type: 'listener-error', error }),
      );
    }
  }
}

/**
 * Creates a client. Nothing is fetched before `ready()`, unless the `start` option says otherwise.
 *
 * @throws {OptionsError} for an option with an invalid value.
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

/** Compares the stored JSON, since the parsed values may be instances of any class. */
function isSameValue(one: CompiledKey, other: CompiledKey): boolean {
  if (Object.is(one.fixed?.value, other.fixed?.value)) return true;
  return one.stored !== undefined && sameStored(one.stored, other.stored);
}

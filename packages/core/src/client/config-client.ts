import { NotReadyError, UnknownKeyError, ValueMissingError } from '../errors.ts';
import type { Explanation } from '../evaluation/explain/explain.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { CompiledKey, ParsedEvaluation } from '../ruleset/compiled-key.ts';
import { sameStored } from '../ruleset/packed-value.ts';
import { type ConfigChange, RulesetStore } from '../ruleset/ruleset-store.ts';
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
import { takeSnapshot } from '../snapshot/take-snapshot.ts';
import { tierNames } from '../tiers.ts';
import type { Evaluation, EvaluationContext, Snapshot, Tier } from '../wire.ts';
import { type ConfigClientEvent, type ConfigClientOptions, checkClientOptions } from './client-options.ts';
import { ClientTelemetry } from './client-telemetry.ts';
import { ClientLifecycle, type ConfigHealth } from './lifecycle.ts';
import { type EvaluateOptions, RemoteEvaluation } from './remote-evaluation.ts';

/** Default time that {@link ConfigClient.ready} waits. */
const READY_TIMEOUT_MS = 10_000;

const EMPTY_CONTEXT: EvaluationContext = Object.freeze({});

/**
 * The configuration of a running process: fetched once, kept live, read synchronously from memory.
 * It holds secrets, so it exists on servers only.
 */
export class ConfigClient<Config extends AnyConfig = RegisteredConfig> {
  readonly config: Config;
  readonly #store: RulesetStore;
  readonly #life: ClientLifecycle;
  readonly #remote: RemoteEvaluation;
  /** Undefined where reads are not counted. */
  readonly #reads: ClientTelemetry | undefined;
  readonly #onEvent: ((event: ConfigClientEvent) => unknown) | undefined;

  /** @throws {OptionsError} naming an option with a wrong value. */
  constructor(options: ConfigClientOptions<Config>) {
    checkClientOptions(options);
    this.config = options.config;
    this.#onEvent = options.onEvent;
    const emit = (event: ConfigClientEvent): void => this.#emit(event);
    const telemetry = options.telemetry && new ClientTelemetry(options.telemetry);
    this.#reads = telemetry?.countsReads ? telemetry : undefined;
    this.#store = new RulesetStore(options.config, (error) => emit({ type: 'listener-error', error }));
    this.#life = new ClientLifecycle({ options, store: this.#store, telemetry, emit });
    this.#remote = new RemoteEvaluation({
      config: options.config,
      server: () => this.#life.server,
      local: (tier, key, context) => this.#evaluate(tier, key, context),
      epoch: () => this.#store.ruleset?.epoch,
      cache: options.evaluationCache,
    });
    this.#store.subscribe(({ keys }) => this.#remote.changed(keys));
    this.#life.onClose(() => this.#remote.close());
  }

  /**
   * Gets the settings, a token and the values, and checks every required key; then the client stays live.
   * Concurrent calls share one start, for which each waits as long as it says; after a failure the next call starts
   * anew. With `fallback: 'cached'` it starts from the disk copy or the bundled values where the server cannot be
   * reached in time.
   *
   * @param options - `timeoutMs`: how long to wait for the server, default 10,000.
   * @throws {OptionsError} naming an option with a wrong value, such as bundled values of another shape.
   * @throws {SettingsError} listing all settings that are missing.
   * @throws {ValuesInvalidError} listing all keys that are missing or invalid.
   * @throws {ReadyTimeoutError} with the last failure as its cause.
   */
  async ready(options: { timeoutMs?: number } = {}): Promise<this> {
    await this.#life.ready(options.timeoutMs ?? READY_TIMEOUT_MS);
    return this;
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

  /**
   * A flag's value as the server evaluates it: for platforms that give no rules away. Works before `ready()` too. The
   * same question is asked once at a time. A client without a server evaluates by itself.
   *
   * @throws {EvaluateNotFoundError} where the server has nothing to evaluate.
   * @throws {EvaluateContextError} for a context that is no JSON, or that the server refuses.
   * @throws {EvaluateFailedError} where no valid answer came.
   */
  async evaluateFlag<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<FlagValue<Key, Config>> {
    return (await this.evaluateFlagDetails(key, context, options)).value;
  }

  /** {@link evaluateFlag} with how the value came about. */
  async evaluateFlagDetails<Key extends FlagKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<Evaluation<FlagValue<Key, Config>>> {
    const answer = await this.#remote.evaluate({ tier: 'feature_flag', key, context }, options);
    return answer as Evaluation<FlagValue<Key, Config>>;
  }

  /** A limit as the server evaluates it, snapped and clamped. @throws as {@link evaluateFlag}. */
  async evaluateLimit<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<number> {
    return (await this.evaluateLimitDetails(key, context, options)).value;
  }

  /** {@link evaluateLimit} with how the number came about. */
  async evaluateLimitDetails<Key extends LimitKey<Config>>(
    key: Key,
    context?: ConfigContext<Config>,
    options?: EvaluateOptions,
  ): Promise<Evaluation<number>> {
    const answer = await this.#remote.evaluate({ tier: 'limit', key, context }, options);
    return answer as Evaluation<number>;
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
  subscribe(listener: (change: ConfigChange) => unknown): () => void {
    return this.#store.subscribe(listener);
  }

  /**
   * Calls `listener` once the client is closed (at once where it is already), until the answered function is called:
   * for what lives as long as the client does.
   */
  onClose(listener: () => unknown): () => void {
    return this.#life.onClose(listener);
  }

  /**
   * Where the value of a key comes from that is served now: `environment` (a variable), `server`, `cache` (the disk
   * copy), `file` (bundled), `default` (the schema's), or `none` where there is no valid value. Never throws.
   */
  origin(key: PublicKey<Config> | SecretKey<Config> | FlagKey<Config> | LimitKey<Config>): ValueOrigin {
    this.#life.startIfLazy();
    return this.#store.originOf(key);
  }

  /**
   * Calls `listener` with the new value after a secret was rotated, until the answered function is called. Values that the
   * schema refuses are no rotation, and neither is the first one.
   *
   * @throws {UnknownKeyError} for a key that is no secret.
   */
  onSecretChange<Key extends SecretKey<Config>>(
    key: Key,
    listener: (value: SecretValue<Key, Config>) => unknown,
  ): () => void {
    this.#checkTier('secret', key);
    const read = (): CompiledKey | undefined => {
      const compiled = this.#store.get(key);
      // One that keeps its last value says nothing new.
      return compiled?.hasValue === true && compiled.serves !== 'before' ? compiled : undefined;
    };
    let last = read();
    return this.#store.subscribe(({ keys }) => {
      const next = keys.includes(key) ? read() : undefined;
      if (next === undefined) return undefined;
      const before = last;
      last = next;
      if (before === undefined || isSameValue(before, next)) return undefined;
      return listener(next.fixed?.value as SecretValue<Key, Config>);
    });
  }

  /** The state of the client. Never throws. */
  health(): ConfigHealth {
    return this.#life.health();
  }

  /**
   * Ends connections and timers; the disk copy gets what was still to be written. Values in hand can still be read;
   * `ready()` then rejects.
   */
  close(): Promise<void> {
    return this.#life.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The value of {@link #evaluate}, without an object for how it came about. */
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
    const compiled = this.#life.startIfLazy() ? this.#store.get(key) : undefined;
    if (compiled !== undefined) return compiled.evaluate(context ?? EMPTY_CONTEXT);
    const fallback = this.#store.defaultOf(key);
    return {
      value: fallback?.ok ? fallback.value : undefined,
      source: 'default',
      errorCode: 'ERR_NOT_READY',
    };
  }

  #read(tier: Tier, key: string): unknown {
    this.#checkTier(tier, key);
    this.#reads?.read(tier, this.#store.originOf(key));
    let compiled = this.#store.get(key);
    if (compiled === undefined && this.#life.startIfLazy()) compiled = this.#store.get(key);
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

  #checkTier(tier: Tier, key: string): void {
    if (this.config.keys.get(key)?.tier === tier) return;
    const { label, group } = tierNames(tier);
    throw new UnknownKeyError(
      key,
      `"${key}" is no ${label} of the schema. Declare it under "${group}", or check its name.`,
    );
  }

  #emit(event: ConfigClientEvent): void {
    // A fault in the hook must not stop the client.
    callGuarded(() => this.#onEvent?.(event));
  }
}

/**
 * Makes a client; unless `start` says otherwise, nothing is fetched before `ready()`.
 *
 * @throws {OptionsError} naming an option with a wrong value.
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

/** By what is stored, as a value may be of a class whose insides are not seen. */
function isSameValue(one: CompiledKey, other: CompiledKey): boolean {
  if (Object.is(one.fixed?.value, other.fixed?.value)) return true;
  return one.stored !== undefined && sameStored(one.stored, other.stored);
}

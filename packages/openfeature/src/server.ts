import {
  ErrorCode,
  type EvaluationContext,
  GeneralError,
  type JsonValue,
  ProviderFatalError,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/core';
import { OpenFeatureEventEmitter, type Provider, ProviderEvents } from '@openfeature/server-sdk';
import { type AnyConfig, type ConfigErrorCode, isConfigError, type RegisteredConfig } from '@smooai/config';
import type { ClientStatus, ConfigClient } from '@smooai/config/server';
import { toConfigContext } from './config-context.ts';
import type { ProviderOptions } from './provider-options.ts';
import { type FoundValue, ResolutionMapper, type ResolutionRequest, type ValuesState } from './resolution.ts';
import { enumerationOf, VariantNames } from './variant-names.ts';

export type { ProviderOptions, TrackedEvent } from './provider-options.ts';
export { type RequestContext, requestContextHook } from './request-context.ts';
export type { BooleanKeyOf, NumberKeyOf, ObjectKeyOf, StringKeyOf } from './typed-keys.ts';

/** Options of {@link SmooConfigProvider}. */
export interface SmooConfigProviderOptions extends ProviderOptions {
  /** How long `initialize` waits for the first values, in milliseconds; default 10,000. */
  readyTimeoutMs?: number | undefined;
}

/** Errors that another attempt cannot repair: the configuration of the client or its credentials are wrong. */
const FATAL: ReadonlySet<ConfigErrorCode> = new Set([
  'ERR_CLIENT_CLOSED',
  'ERR_OPTIONS_INVALID',
  'ERR_REQUEST_REJECTED',
  'ERR_SETTINGS_MISSING',
  'ERR_TOKEN_REJECTED',
]);

/**
 * An OpenFeature provider over a config client: flags, limits and public values, evaluated in memory. Secrets cannot be
 * read through it. The client stays yours: closing the provider does not close it.
 *
 * @example
 * await OpenFeature.setProviderAndWait(new SmooConfigProvider(createConfigClient({ config })));
 */
export class SmooConfigProvider<Config extends AnyConfig = RegisteredConfig> implements Provider {
  readonly metadata = { name: 'smooai-config' } as const;
  readonly runsOn = 'server' as const;
  readonly events: OpenFeatureEventEmitter = new OpenFeatureEventEmitter();
  readonly #client: ConfigClient<AnyConfig>;
  readonly #options: SmooConfigProviderOptions;
  readonly #mapper: ResolutionMapper;
  #state: ValuesState = { revision: undefined, environment: undefined, age: 'live' };
  /** Ends the listeners of the last `initialize`. */
  #listening = new AbortController();

  constructor(client: ConfigClient<Config>, options: SmooConfigProviderOptions = {}) {
    this.#client = client as unknown as ConfigClient<AnyConfig>;
    this.#options = options;
    const { keys } = client.config;
    const names = new VariantNames(options.variants, (key) => enumerationOf(keys.get(key)?.validator));
    this.#mapper = new ResolutionMapper(names, options);
  }

  /**
   * Waits until the client is ready. The SDK then emits READY, or ERROR if this rejects.
   *
   * @throws {ProviderFatalError} if the client cannot start with its settings or credentials.
   * @throws {GeneralError} for other failures, such as a server that cannot be reached. READY follows if the client
   * becomes ready later, as one with `start: 'background'` does.
   */
  async initialize(): Promise<void> {
    this.#listening.abort();
    const listening = new AbortController();
    this.#listening = listening;
    let failure: unknown;
    try {
      const { readyTimeoutMs: timeoutMs } = this.#options;
      await this.#client.ready(timeoutMs === undefined ? {} : { timeoutMs });
    } catch (error) {
      failure = error;
    }
    if (!listening.signal.aborted) this.#listen(listening.signal, failure === undefined);
    if (failure !== undefined) throw toOpenFeatureError(failure);
  }

  /** Stops the events. */
  onClose(): Promise<void> {
    this.#listening.abort();
    return Promise.resolve();
  }

  resolveBooleanEvaluation(
    key: string,
    defaultValue: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve({ key, type: 'boolean', defaultValue }, context);
  }

  resolveStringEvaluation(
    key: string,
    defaultValue: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve({ key, type: 'string', defaultValue }, context);
  }

  resolveNumberEvaluation(
    key: string,
    defaultValue: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve({ key, type: 'number', defaultValue }, context);
  }

  resolveObjectEvaluation<Value extends JsonValue>(
    key: string,
    defaultValue: Value,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<Value>> {
    return this.#resolve({ key, type: 'object', defaultValue }, context);
  }

  track(name: string, context: EvaluationContext, details: TrackingEventDetails): void {
    this.#options.onTrack?.({ name, context, details });
  }

  #resolve<Value>(
    request: ResolutionRequest<Value>,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<Value>> {
    const state = this.#stateOf(request.key);
    return Promise.resolve(this.#mapper.resolve(request, this.#find(request.key, context), state));
  }

  #find(key: string, context: EvaluationContext): FoundValue | undefined {
    switch (this.#client.config.keys.get(key)?.tier) {
      case 'feature_flag':
        return this.#client.flagDetails(key, toConfigContext(context));
      case 'limit':
        return this.#client.limitDetails(key, toConfigContext(context));
      case 'public':
        return this.#findPublic(key);
      default:
        // A secret is as unknown as a key that does not exist.
        return undefined;
    }
  }

  #findPublic(key: string): FoundValue {
    try {
      const value: unknown = this.#client.public(key);
      return { value, source: this.#client.origin(key) === 'default' ? 'default' : 'raw' };
    } catch (error) {
      if (!isConfigError(error)) throw error;
      return { value: undefined, source: 'default', errorCode: error.code };
    }
  }

  #stateOf(key: string): ValuesState {
    if (this.#state.age === 'live') return this.#state;
    const origin = this.#client.origin(key);
    return origin === 'cache' || origin === 'file' ? { ...this.#state, age: 'cached' } : this.#state;
  }

  #listen(signal: AbortSignal, isReady: boolean): void {
    const client = this.#client;
    const update = (status: ClientStatus): void => {
      const { revision, environment } = client.health();
      this.#state = { revision, environment, age: status === 'ready' ? 'live' : 'stale' };
    };
    let reported: ClientStatus = isReady ? 'ready' : 'failed';
    const report = (status: ClientStatus): void => {
      if (signal.aborted) return;
      update(status);
      if (status === reported || status === 'starting') return;
      reported = status;
      this.#emitStatus(status);
    };
    const endChanges = client.subscribe(({ keys }) => {
      update(client.health().status);
      const flagsChanged = keys.filter((key) => client.config.keys.get(key)?.tier !== 'secret');
      if (flagsChanged.length === 0) return;
      this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged });
    });
    const endStatus = client.onStatusChange(report);
    signal.addEventListener('abort', () => {
      endChanges();
      endStatus();
    });
    const { status } = client.health();
    update(status);
    // The SDK sets READY when `initialize` has resolved. A client that started from its disk copy is stale after that.
    if (isReady && status !== 'ready') setTimeout(() => report(client.health().status), 0);
  }

  #emitStatus(status: Exclude<ClientStatus, 'starting'>): void {
    switch (status) {
      case 'ready':
        this.events.emit(ProviderEvents.Ready);
        return;
      case 'stale':
        this.events.emit(ProviderEvents.Stale, {
          message: 'The config server cannot be reached. The last values are served.',
        });
        return;
      case 'failed':
        this.events.emit(ProviderEvents.Error, {
          message: 'The config server has not confirmed the values for too long. The last ones are served.',
          errorCode: ErrorCode.GENERAL,
        });
        return;
      case 'closed':
        this.events.emit(ProviderEvents.Error, {
          message: 'The config client was closed.',
          errorCode: ErrorCode.PROVIDER_FATAL,
        });
    }
  }
}

function toOpenFeatureError(error: unknown): Error {
  const message = error instanceof Error ? error.message : 'The config client could not start.';
  const isFatal = isConfigError(error) && FATAL.has(error.code);
  return isFatal
    ? new ProviderFatalError(message, { cause: error })
    : new GeneralError(message, { cause: error });
}

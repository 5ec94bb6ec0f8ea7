import {
  type EvaluationContext,
  GeneralError,
  InvalidContextError,
  type JsonValue,
  ProviderFatalError,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/core';
import { OpenFeatureEventEmitter, type Provider, ProviderEvents } from '@openfeature/web-sdk';
import type { Snapshot, SnapshotSource } from '@smooai/config/browser';
import { toConfigContext } from './config-context.ts';
import type { ProviderOptions } from './provider-options.ts';
import { type FoundValue, ResolutionMapper, type ResolutionRequest, type ValuesState } from './resolution.ts';
import { VariantNames } from './variant-names.ts';
import { WebSession } from './web-session.ts';

export type { ProviderOptions, TrackedEvent } from './provider-options.ts';
export type { BooleanKeyOf, NumberKeyOf, ObjectKeyOf, StringKeyOf } from './typed-keys.ts';

/** Options of {@link SmooConfigWebProvider}. */
export interface SmooConfigWebProviderOptions extends ProviderOptions {
  /** Brings the values for a context: what `createSnapshotSource` returns. */
  source: SnapshotSource;
  /** The first values, such as those that a server rendered the page with; for the context that the SDK starts with. */
  snapshot?: Snapshot | undefined;
  /** How long the values for a context may take, in milliseconds; default 10,000. */
  readyTimeoutMs?: number | undefined;
}

const READY_TIMEOUT_MS = 10_000;

const NOT_READY: FoundValue = { value: undefined, source: 'default', errorCode: 'ERR_NOT_READY' };
const NO_STATE: ValuesState = { revision: undefined, environment: undefined, age: 'live' };

/** What the SDK was last notified of. */
type Reported = 'nothing' | 'ready' | 'stale' | 'error';

/**
 * An OpenFeature provider for browsers: reads flags, limits and public values that the server evaluated for the context.
 * It follows changes while the page is open.
 *
 * @example
 * const source = createSnapshotSource({ url: '/api/config/stream' });
 * await OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source }));
 */
export class SmooConfigWebProvider implements Provider {
  readonly metadata = { name: 'smooai-config' } as const;
  readonly runsOn = 'client' as const;
  /** It has the values of one context, so the SDK refuses a second domain, which may have another. */
  readonly domainScoped = true;
  readonly events: OpenFeatureEventEmitter = new OpenFeatureEventEmitter();
  readonly #options: SmooConfigWebProviderOptions;
  readonly #mapper: ResolutionMapper;
  #session: WebSession | undefined;
  /** Why the newest context has no session. */
  #contextError: InvalidContextError | undefined;
  #reported: Reported = 'nothing';
  /** Epoch milliseconds by which the session must have values. */
  #deadline = 0;
  /** Called when the state of the session has changed, or another session has begun. */
  readonly #waiters = new Set<() => void>();

  constructor(options: SmooConfigWebProviderOptions) {
    this.#options = options;
    this.#mapper = new ResolutionMapper(new VariantNames(options.variants), options);
  }

  /**
   * Waits for the values of a context. The SDK then emits READY, or ERROR if this rejects; READY follows if the values
   * arrive later.
   *
   * @throws {ProviderFatalError} if the server refuses the request, such as for a wrong key; with its reason.
   * @throws {GeneralError} if the values do not arrive in time.
   * @throws {InvalidContextError} if the context cannot be sent, such as one with a circular reference.
   */
  async initialize(context: EvaluationContext = {}): Promise<void> {
    this.#begin(context, this.#options.snapshot);
    await this.#settle();
  }

  /**
   * Gets the values for another context. Until they arrive, evaluations return the default of the code, never a value
   * of the previous context.
   *
   * @throws {InvalidContextError} (as a rejection) if the context cannot be sent, such as one with a circular reference.
   */
  onContextChange(_: EvaluationContext, context: EvaluationContext): Promise<void> | void {
    if (!this.#begin(context, undefined) && this.#session?.hasValues) return;
    return this.#settle();
  }

  /** Disconnects. */
  onClose(): Promise<void> {
    this.#endSession();
    this.#wake();
    return Promise.resolve();
  }

  resolveBooleanEvaluation(key: string, defaultValue: boolean): ResolutionDetails<boolean> {
    return this.#resolve({ key, type: 'boolean', defaultValue });
  }

  resolveStringEvaluation(key: string, defaultValue: string): ResolutionDetails<string> {
    return this.#resolve({ key, type: 'string', defaultValue });
  }

  resolveNumberEvaluation(key: string, defaultValue: number): ResolutionDetails<number> {
    return this.#resolve({ key, type: 'number', defaultValue });
  }

  resolveObjectEvaluation<Value extends JsonValue>(
    key: string,
    defaultValue: Value,
  ): ResolutionDetails<Value> {
    return this.#resolve({ key, type: 'object', defaultValue });
  }

  track(name: string, context: EvaluationContext, details: TrackingEventDetails): void {
    this.#options.onTrack?.({ name, context, details });
  }

  #resolve<Value>(request: ResolutionRequest<Value>): ResolutionDetails<Value> {
    const session = this.#session;
    if (session !== undefined) return this.#mapper.resolve(request, session.find(request.key), session.state);
    return this.#mapper.resolve(request, NOT_READY, NO_STATE);
  }

  /**
   * Begins a session for the context, unless it is that of the present one, and restarts the time for its values. Returns
   * whether there is another session. It does not throw, because the SDK emits no further events after an `onContextChange`
   * that did; `#settle` does.
   */
  #begin(sdkContext: EvaluationContext, snapshot: Snapshot | undefined): boolean {
    try {
      const context = toConfigContext(sdkContext) as EvaluationContext;
      const isSame = this.#session?.contextJson === JSON.stringify(context);
      if (!isSame) this.#open(context, snapshot);
      if (!this.#session?.hasValues) this.#reported = 'nothing';
      this.#deadline = Date.now() + (this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS);
      return !isSame;
    } catch (error) {
      // The values of the context before must not be read for this one.
      this.#endSession();
      const message = 'The context cannot be sent to the server.';
      this.#contextError = new InvalidContextError(message, { cause: error });
      return true;
    } finally {
      // Those who wait for the previous session now wait for this one.
      this.#wake();
    }
  }

  #endSession(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#contextError = undefined;
  }

  #open(context: EvaluationContext, snapshot: Snapshot | undefined): void {
    this.#endSession();
    this.#reported = 'nothing';
    this.#session = new WebSession({
      source: this.#options.source,
      context,
      snapshot,
      onChange: (flagsChanged) => {
        if (this.#reported === 'nothing') return;
        this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged });
      },
      onStatus: () => {
        this.#report();
        this.#wake();
      },
    });
  }

  /** Waits until the newest session has values. */
  async #settle(): Promise<void> {
    while (this.#session !== undefined && !this.#session.hasValues) {
      const { refusal } = this.#session;
      if (refusal === undefined && (await this.#changed(this.#deadline - Date.now()))) continue;
      this.#reported = 'error';
      if (refusal !== undefined) throw new ProviderFatalError(refusal.message);
      throw new GeneralError(
        'The values for the context did not arrive in time. The page keeps waiting for them: check the URL of the source and the network.',
      );
    }
    if (this.#contextError !== undefined) throw this.#contextError;
    this.#reported = 'ready';
    // The SDK sets its own status when this has resolved. The connection may be lost already.
    setTimeout(() => this.#report(), 0);
  }

  /** Resolves with false after the time. */
  #changed(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isChanged: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve(isChanged);
      };
      const wake = (): void => end(true);
      const timer = setTimeout(() => end(false), Math.max(0, timeoutMs));
      this.#waiters.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Emits what changed since the last report. The SDK itself reports the end of a wait for values. */
  #report(): void {
    const session = this.#session;
    if (session === undefined || !session.hasValues || this.#reported === 'nothing') return;
    const next = session.isLost ? 'stale' : 'ready';
    if (next === this.#reported) return;
    this.#reported = next;
    if (next === 'ready') {
      this.events.emit(ProviderEvents.Ready);
      return;
    }
    const why = session.refusal?.message ?? 'The connection is lost.';
    this.events.emit(ProviderEvents.Stale, { message: `${why} The last values are served.` });
  }
}

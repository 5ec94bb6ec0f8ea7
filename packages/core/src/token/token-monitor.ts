import type { TokenError } from '../errors.ts';
import { Moment } from '../http/moment.ts';
import { callGuarded } from '../lib/guarded-call.ts';
import type { TokenEvent, TokenFailureSummary, TokenStatus } from './token-events.ts';

/** Counts what happens to a provider and tells its hook, which can neither stop nor slow an exchange. */
export class TokenMonitor {
  readonly #onEvent: ((event: TokenEvent) => unknown) | undefined;
  readonly #attempts = { started: 0, succeeded: 0, failed: 0 };
  #servedStale = 0;
  #staleOfToken = 0;
  #isStaleTold = false;
  #consecutiveFailures = 0;
  #lastFailure: { error: TokenError; at: Moment } | undefined;
  #lastDurationMs: number | undefined;

  constructor(onEvent: ((event: TokenEvent) => unknown) | undefined) {
    this.#onEvent = onEvent;
  }

  /** The last failure since the last success. */
  get lastError(): TokenError | undefined {
    return this.#lastFailure?.error;
  }

  started(event: { attempt: number; isBackground: boolean }): void {
    this.#attempts.started += 1;
    this.#tell({ type: 'exchange-started', ...event });
  }

  succeeded(event: { attempt: number; isBackground: boolean; durationMs: number; lifetimeMs: number }): void {
    this.#attempts.succeeded += 1;
    this.#consecutiveFailures = 0;
    this.#lastFailure = undefined;
    this.#lastDurationMs = event.durationMs;
    this.#tell({ type: 'exchange-succeeded', ...event });
  }

  failed(event: {
    attempt: number;
    isBackground: boolean;
    durationMs: number;
    error: TokenError;
    retryInMs: number | undefined;
  }): void {
    this.#attempts.failed += 1;
    if (event.retryInMs === undefined) this.#consecutiveFailures += 1;
    this.#lastFailure = { error: event.error, at: new Moment() };
    this.#isStaleTold = false;
    this.#tell({ type: 'exchange-failed', ...event });
  }

  /** A new token has taken the place of the old one. */
  replaced(): void {
    this.#staleOfToken = 0;
    this.#isStaleTold = false;
  }

  servedStale(expiresInMs: () => number): void {
    this.#servedStale += 1;
    this.#staleOfToken += 1;
    if (this.#isStaleTold) return;
    this.#isStaleTold = true;
    this.#tell({ type: 'served-stale', count: this.#staleOfToken, expiresInMs: expiresInMs() });
  }

  invalidated(): void {
    this.#tell({ type: 'invalidated' });
  }

  counts(): Pick<
    TokenStatus,
    'attempts' | 'servedStale' | 'consecutiveFailures' | 'lastFailure' | 'lastDurationMs'
  > {
    return {
      attempts: { ...this.#attempts },
      servedStale: this.#servedStale,
      consecutiveFailures: this.#consecutiveFailures,
      lastFailure: this.#lastFailure && summarize(this.#lastFailure),
      lastDurationMs: this.#lastDurationMs,
    };
  }

  #tell(event: TokenEvent): void {
    // A fault in the hook must not stop the provider.
    callGuarded(() => this.#onEvent?.(event));
  }
}

function summarize({ error, at }: { error: TokenError; at: Moment }): TokenFailureSummary {
  const { code, message } = error;
  return {
    code,
    message,
    ...('status' in error && { status: error.status }),
    ...('reason' in error && { reason: error.reason }),
    agoMs: Math.round(at.elapsedMs()),
  };
}

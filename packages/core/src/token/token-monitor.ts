import type { TokenError } from '../errors.ts';
import { Moment } from '../http/moment.ts';
import { callGuarded } from '../lib/guarded-call.ts';

/** What a token provider reports to its `onEvent` hook. No event contains a secret or a token. */
export type TokenEvent =
  | {
      type: 'exchange-started';
      /** 1 for the first attempt of an exchange. */
      attempt: number;
      /** Whether no caller waits for it, because the old token is still valid. */
      isBackground: boolean;
    }
  | {
      type: 'exchange-succeeded';
      attempt: number;
      isBackground: boolean;
      durationMs: number;
      /** The token's lifetime, counted from before the request. */
      lifetimeMs: number;
    }
  | {
      type: 'exchange-failed';
      attempt: number;
      isBackground: boolean;
      durationMs: number;
      error: TokenError;
      /** Milliseconds until the next attempt of this exchange; undefined if there is none. */
      retryInMs: number | undefined;
    }
  | {
      /** A token was served within its refresh window: for the first time, or again after a refresh has failed. */
      type: 'served-stale';
      /** Calls that got this token within its refresh window so far. */
      count: number;
      expiresInMs: number;
    }
  | { type: 'invalidated' };

/** The last failure, without anything secret. */
export interface TokenFailureSummary {
  code: TokenError['code'];
  message: string;
  /** The HTTP status, if there was a response. */
  status?: number;
  /** The error's `reason`, if it has one. */
  reason?: string;
  /** Milliseconds since the failure. */
  agoMs: number;
}

/** The state of a token provider, without a secret or a token. Times are in milliseconds. */
export interface TokenStatus {
  /** `stale`: within the refresh window, and still valid. */
  token: 'none' | 'fresh' | 'stale' | 'expired';
  /** Until the token expires, at least 0; undefined without a token. */
  expiresInMs: number | undefined;
  /** Until the refresh window begins, at least 0; undefined without a token. */
  refreshInMs: number | undefined;
  isExchanging: boolean;
  /** Attempts since the provider was created. */
  attempts: { started: number; succeeded: number; failed: number };
  /** Calls that got a token within its refresh window. */
  servedStale: number;
  /** Failed exchanges since the last success. */
  consecutiveFailures: number;
  /** The last failure since the last success. */
  lastFailure: TokenFailureSummary | undefined;
  /** How long the last successful attempt took. */
  lastDurationMs: number | undefined;
  /** Time left of the server's `Retry-After`, else 0. */
  throttledForMs: number;
}

/** An event without its type. */
type Details<Type extends TokenEvent['type']> = Omit<TokenEvent & { type: Type }, 'type'>;

/** Counts what happens to a provider and reports it to its hook, which can neither stop nor slow an exchange. */
export class TokenMonitor {
  readonly #onEvent: ((event: TokenEvent) => unknown) | undefined;
  readonly #attempts = { started: 0, succeeded: 0, failed: 0 };
  #servedStale = 0;
  #servedStaleOfToken = 0;
  #isStaleReported = false;
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

  started(details: Details<'exchange-started'>): void {
    this.#attempts.started += 1;
    this.#report({ type: 'exchange-started', ...details });
  }

  succeeded(details: Details<'exchange-succeeded'>): void {
    this.#attempts.succeeded += 1;
    this.#consecutiveFailures = 0;
    this.#lastFailure = undefined;
    this.#lastDurationMs = details.durationMs;
    this.#report({ type: 'exchange-succeeded', ...details });
  }

  failed(details: Details<'exchange-failed'>): void {
    this.#attempts.failed += 1;
    const { error, retryInMs } = details;
    // An attempt that was aborted says nothing about the issuer. An earlier failure may explain why callers left.
    if (isAborted(error)) this.#lastFailure ??= { error, at: new Moment() };
    else {
      if (retryInMs === undefined) this.#consecutiveFailures += 1;
      this.#lastFailure = { error, at: new Moment() };
      this.#isStaleReported = false;
    }
    this.#report({ type: 'exchange-failed', ...details });
  }

  /** A new token has replaced the old one. */
  replaced(): void {
    this.#servedStaleOfToken = 0;
    this.#isStaleReported = false;
  }

  servedStale(expiresInMs: () => number): void {
    this.#servedStale += 1;
    this.#servedStaleOfToken += 1;
    if (this.#isStaleReported) return;
    this.#isStaleReported = true;
    this.#report({ type: 'served-stale', count: this.#servedStaleOfToken, expiresInMs: expiresInMs() });
  }

  invalidated(): void {
    this.#report({ type: 'invalidated' });
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

  #report(event: TokenEvent): void {
    callGuarded(() => this.#onEvent?.(event));
  }
}

function isAborted(error: TokenError): boolean {
  return error.code === 'ERR_TOKEN_TRANSPORT' && error.reason === 'aborted';
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

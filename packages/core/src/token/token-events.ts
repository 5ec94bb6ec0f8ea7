import type { TokenError } from '../errors.ts';

/** What a token provider tells its `onEvent` hook: durations and counts, never a secret or a token. */
export type TokenEvent =
  | {
      type: 'exchange-started';
      /** 1 for the first attempt of an exchange. */
      attempt: number;
      /** Nobody waits for it: a token that lives is being replaced. */
      isBackground: boolean;
    }
  | {
      type: 'exchange-succeeded';
      attempt: number;
      isBackground: boolean;
      durationMs: number;
      /** The token's life, from before the request. */
      lifetimeMs: number;
    }
  | {
      type: 'exchange-failed';
      attempt: number;
      isBackground: boolean;
      durationMs: number;
      error: TokenError;
      /** Milliseconds until this exchange is tried again; undefined where it is over. */
      retryInMs: number | undefined;
    }
  | {
      /** A token was served within its refresh window: the first time, and again after each refresh that failed. */
      type: 'served-stale';
      /** Calls that this token answered within its window so far. */
      count: number;
      expiresInMs: number;
    }
  | { type: 'invalidated' };

/** The last failure, as far as it may be shown anywhere. */
export interface TokenFailureSummary {
  code: TokenError['code'];
  message: string;
  /** The HTTP status, where there was an answer. */
  status?: number;
  /** `reason` of the error, where it has one. */
  reason?: string;
  /** Milliseconds since. */
  agoMs: number;
}

/** The state of a token provider as plain data, without values. Times are in milliseconds. */
export interface TokenStatus {
  /** `stale`: within its refresh window, and still valid. */
  token: 'none' | 'fresh' | 'stale' | 'expired';
  /** Until the token runs out; undefined without one, at least 0. */
  expiresInMs: number | undefined;
  /** Until the refresh window begins; undefined without a token, at least 0. */
  refreshInMs: number | undefined;
  isExchanging: boolean;
  /** Attempts, all counted since the provider was made. */
  attempts: { started: number; succeeded: number; failed: number };
  /** Calls that were answered within a refresh window. */
  servedStale: number;
  /** Exchanges that failed since the last one that succeeded. */
  consecutiveFailures: number;
  /** The last failure since the last success. */
  lastFailure: TokenFailureSummary | undefined;
  /** How long the last attempt that succeeded took. */
  lastDurationMs: number | undefined;
  /** What is left of a `Retry-After`, else 0. */
  throttledForMs: number;
}

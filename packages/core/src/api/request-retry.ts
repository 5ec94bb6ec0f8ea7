import { createBackoff } from '../http/backoff.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import { isTransientReason } from '../http/transient-failure.ts';

/** How one attempt ended: with a status and headers, or without a response. */
export type AttemptOutcome =
  | { readonly status: number; readonly headers: { get(name: string): string | null } }
  | ExchangeFailure;

/** RFC 9110 §9.2.2: sending these twice has the same effect as once. POST and PATCH are never sent again. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
/** Not 500, which most often means that the same request will fail again. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 502, 503, 504]);
const BACKOFF = { baseMs: 100, capMs: 5_000 };

/**
 * How often ofetch may repeat a request, and after which statuses at most: {@link createRetryWait} decides in each case. 401 is for
 * the attempt with a new token, and ofetch counts a missing response as a 500.
 */
export function retryLimits(method: string, retries: number): { retry: number; retryStatusCodes: number[] } {
  return {
    retry: IDEMPOTENT.has(method) ? retries : 0,
    retryStatusCodes: [...RETRIED_STATUSES, 401, 429, 500],
  };
}

/**
 * Returns a function for the attempts of one request. It returns the milliseconds to wait before the next attempt, or
 * undefined if another one would not help. The wait has jitter, and is at least what `Retry-After` asks for.
 */
export function createRetryWait(): (outcome: AttemptOutcome) => number | undefined {
  const backoff = createBackoff(BACKOFF);
  return (outcome) => {
    if (!isRetryable(outcome)) return undefined;
    return Math.max(backoff.next(), retryAfterOf(outcome) ?? 0);
  };
}

/** Whether the server may have processed the request although its response does not say so. */
export function mayHaveBeenProcessed(outcome: AttemptOutcome): boolean {
  if (outcome instanceof ExchangeFailure) return outcome.kind !== 'refused' && outcome.kind !== 'dns';
  return outcome.status === 502 || outcome.status === 504;
}

function isRetryable(outcome: AttemptOutcome): boolean {
  if (outcome instanceof ExchangeFailure) return isTransientReason(outcome.kind);
  if (outcome.status === 429) return retryAfterOf(outcome) !== undefined;
  return RETRIED_STATUSES.has(outcome.status);
}

function retryAfterOf(outcome: AttemptOutcome): number | undefined {
  return outcome instanceof ExchangeFailure ? undefined : readRetryAfter(outcome.headers);
}

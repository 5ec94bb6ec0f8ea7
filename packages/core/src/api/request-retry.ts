import { createBackoff } from '../http/backoff.ts';
import { ExchangeFailure } from '../http/exchange-failure.ts';
import { parseRetryAfter } from '../http/retry-after.ts';

/** How one attempt ended: a status with its headers, or no answer. */
export type AttemptOutcome =
  | { readonly status: number; readonly headers: { get(name: string): string | null } }
  | ExchangeFailure;

/** RFC 9110 §9.2.2: what has the same effect once and twice. PATCH and POST are never sent again. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const TRANSIENT: ReadonlySet<number> = new Set([408, 502, 503, 504]);
const BACKOFF = { baseMs: 100, capMs: 5_000 };

/**
 * The retries of one request. `next` answers the milliseconds to wait before another attempt, or undefined where there
 * is none: jittered, and at least what `Retry-After` asks for.
 */
export function createRetrySchedule(
  method: string,
  retries: number,
): { next(outcome: AttemptOutcome): number | undefined } {
  let left = IDEMPOTENT.has(method) ? retries : 0;
  const backoff = createBackoff(BACKOFF);
  return {
    next(outcome) {
      if (left <= 0 || !isTransient(outcome)) return undefined;
      left -= 1;
      return Math.max(backoff.next(), retryAfterOf(outcome) ?? 0);
    },
  };
}

/** Whether the server may have done what it was asked for, though its answer does not say so. */
export function mayHaveActed(outcome: AttemptOutcome): boolean {
  if (outcome instanceof ExchangeFailure) return outcome.kind !== 'refused' && outcome.kind !== 'dns';
  return outcome.status === 502 || outcome.status === 504;
}

function isTransient(outcome: AttemptOutcome): boolean {
  // A certificate stays as it is, and who aborted wants no more.
  if (outcome instanceof ExchangeFailure) return outcome.kind !== 'aborted' && outcome.kind !== 'tls';
  if (outcome.status === 429) return retryAfterOf(outcome) !== undefined;
  return TRANSIENT.has(outcome.status);
}

function retryAfterOf(outcome: AttemptOutcome): number | undefined {
  return outcome instanceof ExchangeFailure ? undefined : parseRetryAfter(outcome.headers.get('retry-after'));
}

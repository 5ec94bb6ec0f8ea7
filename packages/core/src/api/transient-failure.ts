import { isConfigError } from '../errors.ts';

/** Longest pause that a server may ask for, in milliseconds: a mistaken `Retry-After` must not silence a client. */
const MAX_PAUSE_MS = 5 * 60_000;

/**
 * Whether a failure may pass by itself: a server that is away, busy, broken, or hidden behind a page of something else.
 * A refusal of what was asked, or of who asked, stays one.
 */
export function isTransientFailure(error: unknown): boolean {
  if (!isConfigError(error)) return false;
  switch (error.code) {
    case 'ERR_REQUEST_TRANSPORT':
    case 'ERR_TOKEN_TRANSPORT':
    case 'ERR_RESPONSE_MALFORMED':
    case 'ERR_TOKEN_MALFORMED':
    case 'ERR_TOKEN_THROTTLED':
      return true;
    case 'ERR_REQUEST_REJECTED':
    case 'ERR_TOKEN_REJECTED':
      return error.status === 408 || error.status === 429 || error.status >= 500;
    default:
      return false;
  }
}

/** How long the server asked not to be asked again, in milliseconds; 0 where it did not. */
export function pauseOf(error: unknown): number {
  if (!isConfigError(error) || !('retryAfterMs' in error)) return 0;
  const { retryAfterMs } = error;
  return typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, MAX_PAUSE_MS) : 0;
}

import { isConfigError, type TransportReason } from '../errors.ts';

/** Longest pause that a server can ask for, in milliseconds: a mistaken `Retry-After` must not silence a client. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Whether the same request may succeed later: a time-out, too many requests, or a fault of the server. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Whether a request that got no response may get one when it is sent again. Not after `tls`, because an invalid
 * certificate will not change, and not after `aborted`, because the caller has given up.
 */
export function isTransientReason(reason: TransportReason): boolean {
  return reason !== 'tls' && reason !== 'aborted';
}

/**
 * Whether a background loop should keep trying: the server is unreachable, busy or broken, or a proxy or captive
 * portal responds in its place. More patient than the retries of one request, because an operator may repair even a certificate.
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
      // A failure that a 2xx response reports has no status that says how long it lasts.
      return isTransientStatus(error.status) || error.status < 300;
    case 'ERR_TOKEN_REJECTED':
      return isTransientStatus(error.status);
    default:
      return false;
  }
}

/** The pause in milliseconds that the server asked for with `Retry-After`, at most 5 minutes; 0 without one. */
export function retryAfterMsOf(error: unknown): number {
  if (!isConfigError(error) || !('retryAfterMs' in error)) return 0;
  const { retryAfterMs } = error;
  return typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : 0;
}

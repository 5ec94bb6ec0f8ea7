import type { createBackoff } from '../http/backoff.ts';
import { retryAfterMsOf } from '../http/transient-failure.ts';

/** Milliseconds to wait after a failure: the next of the backoff, but never less than the server asked for. */
export function retryDelayMs(backoff: ReturnType<typeof createBackoff>, error: unknown): number {
  return Math.max(backoff.next(), retryAfterMsOf(error));
}

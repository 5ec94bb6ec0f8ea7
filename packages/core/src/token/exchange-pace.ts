import { createBackoff } from '../http/backoff.ts';
import { Moment } from '../http/moment.ts';

/** Minimum time from the start of one exchange to the start of the next, even if tokens expire sooner. */
const MIN_INTERVAL_MS = 500;
/** Wait between failed background exchanges. */
const BACKGROUND_BACKOFF = { baseMs: 1_000, capMs: 30_000 };

/** The start of an exchange, from {@link ExchangePace.reserveStart}. */
export interface ReservedStart {
  /** How long the exchange must wait before its first request. */
  readonly waitMs: number;
  readonly reservedAt: Moment;
}

/** A response that asked for a pause. */
export interface Throttle {
  readonly status: number;
  /** Why, in the server's words. */
  readonly description?: string | undefined;
}

/** Decides when the next exchange may begin. */
export class ExchangePace {
  readonly #backoff: ReturnType<typeof createBackoff> = createBackoff(BACKGROUND_BACKOFF);
  #lastStart: ReservedStart | undefined;
  #wasInvalidated = false;
  #skippedWait = false;
  #failedAt: Moment | undefined;
  #backoffMs = 0;
  #throttledAt: Moment | undefined;
  #throttleMs = 0;
  /** The response that asked for the pause. */
  throttle: Throttle = { status: 429 };

  /**
   * Reserves the start of an exchange, at least 500 ms after the last one. The first exchange after an
   * invalidation skips the wait, a second in a row does not: a server that refuses its own tokens would be called in a
   * tight loop.
   */
  reserveStart(): ReservedStart {
    const intervalMs = this.#intervalMs();
    const maySkipWait = this.#wasInvalidated && !this.#skippedWait;
    this.#skippedWait = intervalMs > 0;
    this.#wasInvalidated = false;
    this.#lastStart = { waitMs: maySkipWait ? 0 : intervalMs, reservedAt: new Moment() };
    return this.#lastStart;
  }

  /** Whether an exchange may begin in the background: the server, the interval and earlier failures permit it. */
  allowsBackground(): boolean {
    const backoffMs = this.#failedAt === undefined ? 0 : this.#backoffMs - this.#failedAt.elapsedMs();
    return Math.max(this.#intervalMs(), this.throttledForMs(), backoffMs) <= 0;
  }

  /** Milliseconds left of the server's `Retry-After`, else 0. */
  throttledForMs(): number {
    if (this.#throttledAt === undefined) return 0;
    return Math.max(0, this.#throttleMs - this.#throttledAt.elapsedMs());
  }

  invalidated(): void {
    this.#wasInvalidated = true;
  }

  succeeded(): void {
    this.#failedAt = undefined;
    this.#backoff.reset();
  }

  /** A failed exchange does not delay the next caller; only background exchanges back off. */
  failed(start: ReservedStart): void {
    this.cancelled(start);
    this.#failedAt = new Moment();
    this.#backoffMs = this.#backoff.next();
  }

  /** An exchange was cancelled, so it does not delay the next one. */
  cancelled(start: ReservedStart): void {
    if (this.#lastStart === start) this.#lastStart = undefined;
  }

  /** The server responded with `Retry-After`. */
  throttled(retryAfterMs: number, throttle: Throttle): void {
    this.#throttledAt = new Moment();
    this.#throttleMs = retryAfterMs;
    this.throttle = throttle;
  }

  #intervalMs(): number {
    if (this.#lastStart === undefined) return 0;
    const { waitMs, reservedAt } = this.#lastStart;
    return Math.max(0, waitMs + MIN_INTERVAL_MS - reservedAt.elapsedMs());
  }
}

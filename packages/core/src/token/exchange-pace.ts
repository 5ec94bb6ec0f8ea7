import { createBackoff } from '../http/backoff.ts';
import { Moment } from '../http/moment.ts';

/** At least so long from the start of one exchange to the start of the next, whatever lives the server hands out. */
const LEAST_INTERVAL_MS = 500;
/** Between background exchanges that fail. */
const BACKGROUND_BACKOFF = { baseMs: 1_000, capMs: 30_000 };

/**
 * When the next exchange may begin. One that follows an invalidation may hurry, but not two in a row: a server that
 * hands a refused token out again would be asked without end.
 */
export class ExchangePace {
  readonly #backoff: ReturnType<typeof createBackoff> = createBackoff(BACKGROUND_BACKOFF);
  #last: Moment | undefined;
  #mayHurry = false;
  #hurried = false;
  #failedAt: Moment | undefined;
  #backoffMs = 0;
  #throttledAt: Moment | undefined;
  #throttleMs = 0;
  /** The status that asked for the pause. */
  throttleStatus = 429;

  /** Milliseconds until an exchange in the background may begin. */
  backgroundHoldMs(): number {
    const backoff = this.#failedAt === undefined ? 0 : this.#backoffMs - this.#failedAt.elapsedMs();
    return Math.max(this.#intervalMs(), this.throttledForMs(), backoff);
  }

  /** What is left of a `Retry-After`, else 0. */
  throttledForMs(): number {
    return this.#throttledAt === undefined
      ? 0
      : Math.max(0, this.#throttleMs - this.#throttledAt.elapsedMs());
  }

  /** An exchange is about to begin: answers how long it must wait first, and a token for {@link failed}. */
  claim(): { holdMs: number; claim: Moment } {
    const intervalMs = this.#intervalMs();
    const holdMs = this.#mayHurry && !this.#hurried ? 0 : intervalMs;
    this.#hurried = intervalMs > 0;
    this.#mayHurry = false;
    this.#last = new Moment();
    return { holdMs, claim: this.#last };
  }

  /** The exchange of that claim really begins now, after its wait. */
  begin(claim: Moment): Moment {
    if (this.#last !== claim) return claim;
    this.#last = new Moment();
    return this.#last;
  }

  invalidated(): void {
    this.#mayHurry = true;
  }

  succeeded(): void {
    this.#failedAt = undefined;
    this.#backoff.reset();
  }

  /** A failure is never kept: the next caller tries at once, and only what runs in the background backs off. */
  failed(claim: Moment): void {
    if (this.#last === claim) this.#last = undefined;
    this.#failedAt = new Moment();
    this.#backoffMs = this.#backoff.next();
  }

  throttled(retryAfterMs: number, status: number): void {
    this.#throttledAt = new Moment();
    this.#throttleMs = retryAfterMs;
    this.throttleStatus = status;
  }

  #intervalMs(): number {
    return this.#last === undefined ? 0 : Math.max(0, LEAST_INTERVAL_MS - this.#last.elapsedMs());
  }
}

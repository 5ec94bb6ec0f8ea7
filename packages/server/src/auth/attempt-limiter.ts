import { BoundedMap } from '../lib/bounded-map.ts';

/** How many failed attempts are allowed. */
export interface AttemptLimits {
  /** Failed attempts within the window after which further ones are refused (default 10). */
  maxFailures: number;
  /** Length of the window in seconds (default 60). */
  windowSec: number;
}

interface Failures {
  count: number;
  endsAtMs: number;
}

const MAX_TRACKED = 10_000;

/**
 * Counts failed attempts by key within a window. Memory is bounded: the least recently seen keys are forgotten first.
 */
export class AttemptLimiter {
  readonly #failures = new BoundedMap<string, Failures>(MAX_TRACKED);
  readonly #limits: AttemptLimits;

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Seconds to wait before the next attempt; undefined if it is allowed now. */
  retryAfterSec(key: string): number | undefined {
    const failures = this.#current(key);
    if (!failures || failures.count < this.#limits.maxFailures) return undefined;
    return Math.max(1, Math.ceil((failures.endsAtMs - performance.now()) / 1000));
  }

  failed(key: string): void {
    const failures = this.#current(key);
    if (failures) failures.count += 1;
    else this.#failures.set(key, { count: 1, endsAtMs: performance.now() + this.#limits.windowSec * 1000 });
  }

  #current(key: string): Failures | undefined {
    const failures = this.#failures.get(key);
    if (failures && failures.endsAtMs <= performance.now()) {
      this.#failures.delete(key);
      return undefined;
    }
    return failures;
  }
}

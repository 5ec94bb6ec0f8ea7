/**
 * A point in time on two clocks. The monotonic clock may stop while the machine sleeps, and the wall clock can be set
 * forward or back, so the one that shows more elapsed time is used.
 */
export class Moment {
  readonly #monotonic: number = performance.now();
  readonly #wall: number = Date.now();

  /** Milliseconds since this moment, at least 0. */
  elapsedMs(wallNow: number = Date.now()): number {
    return Math.max(0, performance.now() - this.#monotonic, wallNow - this.#wall);
  }
}

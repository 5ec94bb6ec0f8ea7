import { onAbort } from './abort-listeners.ts';

/**
 * A moment on two clocks. The monotonic one may stand still while the machine sleeps, and the wall clock can be set
 * either way: the one on which more has passed is believed.
 */
export class Moment {
  readonly #monotonic: number = performance.now();
  readonly #wall: number = Date.now();

  /** Milliseconds since, at least 0. */
  elapsedMs(wallNow: number = Date.now()): number {
    return Math.max(0, performance.now() - this.#monotonic, wallNow - this.#wall);
  }
}

/** Resolves after `ms`, or at once when the signal aborts. Somebody waits for it, so it keeps the process alive. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      letGo?.();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const letGo = signal && onAbort(signal, done);
  });
}

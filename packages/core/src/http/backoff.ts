/** What timers take at most; above it they fire at once. */
export const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** Bounds of {@link createBackoff}, in milliseconds. */
export interface BackoffOptions {
  baseMs: number;
  capMs: number;
}

/** Decorrelated jitter: each wait is random between the base and three times the last wait, up to a cap. */
export function createBackoff(options: BackoffOptions): { next(): number; reset(): void } {
  const { baseMs, capMs } = options;
  let last = baseMs;
  return {
    next() {
      last = Math.min(capMs, baseMs + Math.random() * (last * 3 - baseMs));
      return last;
    },
    reset() {
      last = baseMs;
    },
  };
}

/** Resolves after `ms` (24.8 days at most), or at once when the signal aborts; the timer does not keep a process alive. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, LONGEST_TIMEOUT_MS));
    unref(timer);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Lets the process end though the timer is pending; a no-op where timers are plain numbers. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref();
  }
}

import { onAbort } from './on-abort.ts';

/** The longest delay that timers support, about 24.8 days. A longer one fires immediately. */
export const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** Bounds of {@link createBackoff}, in milliseconds. */
export interface BackoffOptions {
  baseMs: number;
  capMs: number;
}

/** Decorrelated jitter: each delay is random between the base and three times the previous delay, up to a cap. */
export function createBackoff(options: BackoffOptions): { next(): number; reset(): void } {
  const { baseMs, capMs } = options;
  let previous = baseMs;
  return {
    next() {
      previous = Math.min(capMs, baseMs + Math.random() * (previous * 3 - baseMs));
      return previous;
    },
    reset() {
      previous = baseMs;
    },
  };
}

export interface SleepOptions {
  /** Ends the wait early. */
  signal?: AbortSignal | undefined;
  /** Whether the timer keeps the process alive; default true. */
  keepsAlive?: boolean | undefined;
}

/** Resolves after `ms` (24.8 days at most), or as soon as the signal aborts. Never rejects because of the signal. */
export function sleep(ms: number, options: SleepOptions = {}): Promise<void> {
  const { signal, keepsAlive = true } = options;
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      removeListener?.();
      resolve();
    };
    const timer = setTimeout(finish, Math.min(ms, LONGEST_TIMEOUT_MS));
    if (!keepsAlive) unref(timer);
    const removeListener = signal && onAbort(signal, finish);
  });
}

/** Lets the process exit while the timer is pending. Does nothing in runtimes whose timers are numbers. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref();
  }
}

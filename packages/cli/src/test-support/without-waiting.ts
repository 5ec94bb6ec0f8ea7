import { onTestFinished, vi } from 'vitest';

/** Runs with fake timers, so that retries do not wait. */
export async function withoutWaiting<Result>(action: () => Promise<Result>): Promise<Result> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  let isDone = false;
  const result = action().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await vi.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  vi.useRealTimers();
  return result;
}

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestTransportError } from '../errors.ts';
import { runPolling } from './polling.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Polls every 30 s. `isBroken` makes the polls fail. */
function run() {
  const stopping = new AbortController();
  const state = { isBroken: false };
  const at: number[] = [];
  const startedAt = performance.now();
  const done = runPolling({
    poll: async () => {
      at.push(Math.round(performance.now() - startedAt));
      if (state.isBroken) throw new RequestTransportError('no');
      return true;
    },
    signal: stopping.signal,
    intervalMs: 30_000,
    onSuccess: () => undefined,
    onFailure: () => undefined,
  });
  return { at, done, state, stopping };
}

describe('polling', () => {
  it.each([
    [0, 27_000],
    [0.5, 30_000],
    [1, 33_000],
  ])('varies the interval by a tenth: the random number %d gives %d ms', async (random, intervalMs) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    const { at, done, stopping } = run();
    await vi.advanceTimersByTimeAsync(intervalMs * 2);
    expect(at).toEqual([0, intervalMs, 2 * intervalMs]);
    stopping.abort();
    await done;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits longer after each failure, up to the interval, and the shortest time again after a success', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { at, state, stopping } = run();
    state.isBroken = true;
    await vi.advanceTimersByTimeAsync(33_000);
    // 3 s, 9 s, 27 s, 30 s.
    await vi.advanceTimersByTimeAsync(3_000 + 9_000 + 27_000);
    expect(at).toEqual([0, 33_000, 36_000, 45_000, 72_000]);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(at).toHaveLength(5);
    state.isBroken = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(at.at(-1)).toBe(102_000);
    state.isBroken = true;
    await vi.advanceTimersByTimeAsync(33_000 + 3_000);
    expect(at.slice(-2)).toEqual([135_000, 138_000]);
    stopping.abort();
  });
});

import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenStreams } from './open-streams.ts';

function setUp(heartbeatMs?: number) {
  const closing = new AbortController();
  const open = new OpenStreams({ closing: closing.signal, heartbeatMs });
  const stream = () => ({ sendHeartbeat: vi.fn(), endNow: vi.fn(), finish: vi.fn() });
  return { open, closing, stream };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the open streams of a server', () => {
  it('share one timer, which ends with the last of them', () => {
    const { open, stream } = setUp();
    expect(vi.getTimerCount()).toBe(0);
    const streams = Array.from({ length: 100 }, stream);
    for (const one of streams) open.add(one);
    expect([open.size, vi.getTimerCount()]).toEqual([100, 1]);
    vi.advanceTimersByTime(60_000);
    expect(vi.getTimerCount()).toBe(1);
    for (const one of streams) open.delete(one);
    expect([open.size, vi.getTimerCount()]).toEqual([0, 0]);
    for (const one of streams) expect(one.sendHeartbeat).toHaveBeenCalledTimes(4);
  });

  it('get heartbeats also after all earlier ones have left', () => {
    const { open, stream } = setUp(100);
    const [early, late] = [stream(), stream()];
    open.add(early);
    open.delete(early);
    open.add(late);
    vi.advanceTimersByTime(100);
    expect([early, late].map(({ sendHeartbeat }) => sendHeartbeat.mock.calls.length)).toEqual([0, 1]);
  });

  it('are forgotten if they end at their heartbeat, and the others get theirs', () => {
    const { open, stream } = setUp(100);
    const [full, other] = [stream(), stream()];
    full.sendHeartbeat.mockImplementation(() => open.delete(full));
    for (const one of [full, other]) open.add(one);
    vi.advanceTimersByTime(200);
    expect([full, other].map(({ sendHeartbeat }) => sendHeartbeat.mock.calls.length)).toEqual([1, 2]);
    expect([open.size, vi.getTimerCount()]).toEqual([1, 1]);
    open.delete(other);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('get a heartbeat each time that long after they were added', () => {
    const { open, stream } = setUp(100);
    const [early, late] = [stream(), stream()];
    open.add(early);
    vi.advanceTimersByTime(60);
    open.add(late);
    const counts = () => [early, late].map(({ sendHeartbeat }) => sendHeartbeat.mock.calls.length);
    const seen: number[][] = [];
    for (const ms of [39, 1, 59, 1, 39, 1, 60]) {
      vi.advanceTimersByTime(ms);
      seen.push(counts());
    }
    expect(seen).toEqual([
      [0, 0],
      [1, 0],
      [1, 0],
      [1, 1],
      [1, 1],
      [2, 1],
      [2, 2],
    ]);
    open.delete(early);
    vi.advanceTimersByTime(100);
    expect(counts()).toEqual([2, 3]);
  });

  it('start their time again when they are added again', () => {
    const { open, stream } = setUp(100);
    const [one, other] = [stream(), stream()];
    open.add(one);
    open.add(other);
    vi.advanceTimersByTime(50);
    open.add(one);
    vi.advanceTimersByTime(50);
    expect([one.sendHeartbeat.mock.calls.length, other.sendHeartbeat.mock.calls.length]).toEqual([0, 1]);
    vi.advanceTimersByTime(50);
    expect(one.sendHeartbeat).toHaveBeenCalledTimes(1);
    expect(open.size).toBe(2);
  });

  it('leave other work in between if their heartbeats take long', () => {
    const { open, stream } = setUp(1_000);
    const streams = Array.from({ length: 5 }, stream);
    let other = 0;
    for (const one of streams) open.add(one);
    // From now on, a look at the clock takes 3 ms.
    let nowMs = performance.now() + 1_000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 3));
    vi.advanceTimersToNextTimer();
    const served = () => streams.filter(({ sendHeartbeat }) => sendHeartbeat.mock.calls.length > 0).length;
    expect(served()).toBeGreaterThan(0);
    expect(served()).toBeLessThan(5);
    setTimeout(() => (other = served()), 0);
    for (let turn = 0; turn < 10; turn += 1) vi.advanceTimersToNextTimer();
    expect(other).toBeLessThan(5);
    expect(served()).toBe(5);
    clock.mockRestore();
  });

  it('end when the server closes, through one listener', () => {
    const { open, closing, stream } = setUp();
    const streams = Array.from({ length: 3 }, stream);
    for (const one of streams) {
      one.endNow.mockImplementation(() => open.delete(one));
      open.add(one);
    }
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(1);
    closing.abort();
    for (const one of streams) expect(one.endNow).toHaveBeenCalledTimes(1);
    expect([open.size, vi.getTimerCount()]).toEqual([0, 0]);
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
  });
});

it('many streams that end at once are finished in turns, each once', async () => {
  vi.useRealTimers();
  const { open, stream } = setUp();
  const streams = Array.from({ length: 2_000 }, stream);
  const finished = () => streams.filter(({ finish }) => finish.mock.calls.length === 1).length;
  for (const one of streams) open.finishInTurn(one);
  await new Promise((resolve) => setImmediate(resolve));
  expect(finished()).toBeGreaterThan(0);
  expect(finished()).toBeLessThan(streams.length);
  await expect.poll(finished).toBe(streams.length);
  const late = stream();
  open.finishInTurn(late);
  await expect.poll(() => late.finish.mock.calls.length).toBe(1);
});

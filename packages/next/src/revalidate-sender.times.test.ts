import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { until } from '../../core/src/test-support/until.ts';
import { RevalidateSender } from './revalidate-sender.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('sends again after 1, 2, 5, 10, 30 and 60 s, each time with 10 s for the response, then gives up', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const timeouts = vi.spyOn(AbortSignal, 'timeout');
  const fetch = vi.fn(async () => new Response(null, { status: 503 }));
  vi.stubGlobal('fetch', fetch);
  const sender = new RevalidateSender('https://shop.example/api/config/stream', 'a-secret-of-the-tests');
  sender.send('all');
  for (const [failed, seconds] of [1, 2, 5, 10, 30, 60].entries()) {
    // The wait after the request has begun. Signatures take real turns of the event loop.
    await until(() => vi.getTimerCount() === 1);
    expect(fetch).toHaveBeenCalledTimes(failed + 1);
    vi.advanceTimersByTime(seconds * 1_000 - 1);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1);
  }
  await until(() => warn.mock.calls.length === 1);
  expect(fetch).toHaveBeenCalledTimes(7);
  expect(timeouts.mock.calls).toEqual(Array.from({ length: 7 }, () => [10_000]));
});

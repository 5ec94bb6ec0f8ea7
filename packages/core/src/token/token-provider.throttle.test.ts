import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, failureOf, settle, setUp, tokenAnswer } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function throttle(retryAfter: string, status = 429, headers: Record<string, string> = {}): Response {
  return new Response('{}', { status, headers: { 'retry-after': retryAfter, ...headers } });
}

describe('Retry-After', () => {
  it.each([
    ['seconds', () => throttle('20')],
    ['a 503 with seconds', () => throttle('20', 503)],
    ['a date', () => throttle(new Date(Date.now() + 20_000).toUTCString())],
    [
      'a date of a server whose clock is wrong',
      () => throttle('Fri, 01 Jan 1999 00:00:20 GMT', 429, { date: 'Fri, 01 Jan 1999 00:00:00 GMT' }),
    ],
  ])('is remembered, and callers within it fail at once: %s', async (_, answer) => {
    vi.setSystemTime('2030-01-01T00:00:00Z');
    const { provider, fetch } = setUp([answer(), tokenAnswer('t1')], { maxAttempts: 4 });
    expect(await failureOf(provider.getAccessToken())).toMatchObject({
      name: 'TokenThrottledError',
      code: 'ERR_TOKEN_THROTTLED',
      retryAfterMs: 20_000,
    });
    await vi.advanceTimersByTimeAsync(19_000);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 1_000 });
    expect(provider.status().throttledForMs).toBe(1_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(provider.status().throttledForMs).toBe(0);
  });

  it.each(['0', 'soon', '-5'])('of %s is none: the answer is retried as any other', async (value) => {
    const { provider } = setUp([throttle(value), tokenAnswer('t1')], { maxAttempts: 2 });
    const call = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await call).toBe('t1');
  });

  it('counts as an hour where it is more', async () => {
    const { provider } = setUp([throttle('99999999')]);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 3_600_000 });
  });

  it('lets callers wait that choose to, with one exchange after it', async () => {
    const { provider, fetch } = setUp([throttle('5'), tokenAnswer('t1')], { waitWhenThrottled: true });
    const calls = Array.from({ length: 50 }, () => provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(4_000);
    calls.push(provider.getAccessToken());
    const hasty = failureOf(provider.getAccessToken({ waitWhenThrottled: false }));
    await expect(hasty).resolves.toMatchObject({ code: 'ERR_TOKEN_THROTTLED', retryAfterMs: 1_000 });
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['t1']));
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('is not waited for where it goes beyond the deadline', async () => {
    const { provider, fetch } = setUp([throttle('5')], { waitWhenThrottled: true, deadlineMs: 4_000 });
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 5_000 });
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 5_000 });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends the wait of an aborted caller, timer and all', async () => {
    const { provider } = setUp([throttle('5')], { waitWhenThrottled: true });
    const controller = new AbortController();
    const call = failureOf(provider.getAccessToken({ signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await call).toMatchObject({ reason: 'aborted', message: expect.stringContaining('429') });
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('holds the refresh back too, while the old token serves', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1'), throttle('20'), tokenAnswer('t2')]);
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_560_000);
    for (let second = 0; second < 19; second++) {
      expect(await provider.getAccessToken()).toBe('t1');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(fetch).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1_000);
    await provider.getAccessToken();
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
  });
});

describe('a signal', () => {
  it('ends the wait of its caller only', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise]);
    const controller = new AbortController();
    const leaving = failureOf(provider.getAccessToken({ signal: controller.signal }));
    const staying = provider.getAccessToken({ signal: new AbortController().signal });
    await settle();
    controller.abort(new Error('of the caller'));
    expect(await leaving).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
    expect(fetch.mock.calls[0]?.[1]?.signal?.aborted).toBe(false);
    slow.resolve(tokenAnswer('t1'));
    expect(await staying).toBe('t1');
    expect(await provider.getAccessToken({ signal: new AbortController().signal })).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('that has aborted already asks for nothing', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1')]);
    expect(await failureOf(provider.getAccessToken({ signal: AbortSignal.abort() }))).toMatchObject({
      reason: 'aborted',
    });
    expect(fetch).not.toHaveBeenCalled();
  });

  it('is let go of when the call is over', async () => {
    const { provider } = setUp([tokenAnswer('t1')]);
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    await provider.getAccessToken({ signal });
    await settle();
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

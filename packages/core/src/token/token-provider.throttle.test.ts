import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

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
      'a date from a server whose clock is wrong',
      () => throttle('Fri, 01 Jan 1999 00:00:20 GMT', 429, { date: 'Fri, 01 Jan 1999 00:00:00 GMT' }),
    ],
  ])('rejects callers until it is over: %s', async (_, throttled) => {
    vi.setSystemTime('2030-01-01T00:00:00Z');
    const { provider, fetch } = setUp([throttled(), tokenResponse('t1')], { maxAttempts: 4 });
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

  it('is reported with the reason of the server, also to callers during the pause', async () => {
    const body = JSON.stringify({
      error: 'invalid_request',
      message: 'Too many wrong secrets. Check the secret.',
    });
    const response = new Response(body, { status: 429, headers: { 'retry-after': '20' } });
    const { provider } = setUp([response]);
    for (const seconds of [20, 15]) {
      const error = await failureOf(provider.getAccessToken());
      expect(error).toMatchObject({ errorDescription: 'Too many wrong secrets. Check the secret.' });
      expect(error).toHaveProperty(
        'message',
        expect.stringContaining(
          `returned 429: Too many wrong secrets. Check the secret. It asked for a pause of ${seconds} s.`,
        ),
      );
      await vi.advanceTimersByTimeAsync(5_000);
    }
  });

  it.each(['0', 'soon', '-5'])('of %s is ignored, and the exchange is retried', async (value) => {
    const { provider } = setUp([throttle(value), tokenResponse('t1')], { maxAttempts: 2 });
    const call = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await call).toBe('t1');
  });

  it('counts as an hour if it is longer', async () => {
    const { provider } = setUp([throttle('99999999')]);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 3_600_000 });
  });

  it('makes callers wait with waitWhenThrottled, for one exchange after it', async () => {
    const { provider, fetch } = setUp([throttle('5'), tokenResponse('t1')], { waitWhenThrottled: true });
    const calls = Array.from({ length: 50 }, () => provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(4_000);
    calls.push(provider.getAccessToken());
    const impatient = failureOf(provider.getAccessToken({ waitWhenThrottled: false }));
    await expect(impatient).resolves.toMatchObject({ code: 'ERR_TOKEN_THROTTLED', retryAfterMs: 1_000 });
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['t1']));
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('is not waited for beyond the deadline', async () => {
    const { provider, fetch } = setUp([throttle('5')], { waitWhenThrottled: true, deadlineMs: 4_000 });
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 5_000 });
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ retryAfterMs: 5_000 });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind when its caller aborts', async () => {
    const { provider } = setUp([throttle('5')], { waitWhenThrottled: true });
    const controller = new AbortController();
    const call = failureOf(provider.getAccessToken({ signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await call).toMatchObject({ reason: 'aborted', message: expect.stringContaining('429') });
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('delays a refresh too, while the old token is served', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1'), throttle('20'), tokenResponse('t2')]);
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

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

// Callers that stop waiting, by their signals. When the last of them has left, nothing of their exchange remains.

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new Promise<Response>(() => undefined);

/** Asks for a token. `leave` aborts the call's signal; `done` is its outcome. */
function caller(
  provider: ReturnType<typeof setUp>['provider'],
  options: { waitWhenThrottled?: boolean } = {},
) {
  const controller = new AbortController();
  const done = provider
    .getAccessToken({ signal: controller.signal, ...options })
    .catch((error: Error) => error);
  return { done, leave: () => controller.abort() };
}

describe('when the last caller leaves', () => {
  it('the request is aborted, and no timer is left', async () => {
    const { provider, fetch } = setUp([never], { maxAttempts: 4 });
    const only = caller(provider);
    await settle();
    only.leave();
    expect(fetch.mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
    expect(await only.done).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
    await settle();
    expect(vi.getTimerCount()).toBe(0);
    expect(provider.status()).toMatchObject({ isExchanging: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('the request lives as long as one of several callers waits', async () => {
    const { provider, fetch } = setUp([never]);
    const callers = [caller(provider), caller(provider), caller(provider)];
    await settle();
    const signal = fetch.mock.calls[0]?.[1]?.signal;
    for (const { leave } of callers.slice(1)) leave();
    expect(signal?.aborted).toBe(false);
    callers[0]?.leave();
    expect(signal?.aborted).toBe(true);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('a caller without a signal never leaves', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise]);
    const patient = provider.getAccessToken();
    const hasty = caller(provider);
    await settle();
    hasty.leave();
    slow.resolve(tokenResponse('t1'));
    expect(await patient).toBe('t1');
  });

  it('before the request is sent, nothing is sent', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')]);
    const only = caller(provider);
    only.leave();
    await settle();
    expect(fetch).not.toHaveBeenCalled();
    expect(await provider.getAccessToken()).toBe('t1');
  });

  it('during the pause between two attempts, nothing more is attempted', async () => {
    const { provider, fetch } = setUp([new Response('', { status: 503 })], { maxAttempts: 4 });
    const only = caller(provider);
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    only.leave();
    await settle();
    expect(vi.getTimerCount()).toBe(0);
    expect(fetch).toHaveBeenCalledTimes(1);
    expect((await only.done) as Error).toMatchObject({ message: expect.stringContaining('503') });
  });

  it('during the wait for a Retry-After, no timer is left', async () => {
    const throttled = new Response('', { status: 429, headers: { 'retry-after': '20' } });
    const { provider, fetch } = setUp([throttled], { maxAttempts: 4 });
    const only = caller(provider, { waitWhenThrottled: true });
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    only.leave();
    expect(await only.done).toMatchObject({ reason: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('after the wait for a Retry-After, the request is aborted', async () => {
    const throttled = new Response('', { status: 429, headers: { 'retry-after': '20' } });
    const { provider, fetch } = setUp([throttled, never], { maxAttempts: 4 });
    const only = caller(provider, { waitWhenThrottled: true });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    only.leave();
    await settle();
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('during the pause before an exchange, no timer is left', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: '0.1' }), tokenResponse('t2')]);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(200);
    const only = caller(provider);
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    only.leave();
    await settle();
    expect(vi.getTimerCount()).toBe(0);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('a caller that comes in the same moment gets an exchange of its own, at once', async () => {
    const { provider, fetch } = setUp([never, tokenResponse('t2')]);
    const first = caller(provider);
    await settle();
    first.leave();
    const second = provider.getAccessToken();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(await second).toBe('t2');
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it('a superseded request is aborted too, without the request that replaced it', async () => {
    const { provider, fetch } = setUp([never]);
    const old = caller(provider);
    await settle();
    provider.invalidate();
    const current = caller(provider);
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    old.leave();
    expect(fetch.mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(false);
    current.leave();
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(true);
  });

  it('callers that moved on to the next exchange leave that one', async () => {
    const failing = deferred<Response>();
    const { provider, fetch } = setUp([failing.promise, never], { maxAttempts: 4 });
    const moved = caller(provider);
    await settle();
    provider.invalidate();
    failing.resolve(new Response('', { status: 503 }));
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    moved.leave();
    await settle();
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a refresh in the background goes on, although a caller joined and left', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 10 }), slow.promise]);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(await provider.getAccessToken()).toBe('t1');
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1_000);
    const hasty = caller(provider);
    hasty.leave();
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(false);
    slow.resolve(tokenResponse('t2'));
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('a "clientSecret" function that never returns keeps no timer', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], {
      clientSecret: () => new Promise<string>(() => undefined),
    });
    const only = caller(provider);
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    only.leave();
    await settle();
    expect(vi.getTimerCount()).toBe(0);
    expect(fetch).not.toHaveBeenCalled();
  });

  it('the abort does not count as a failure of the issuer', async () => {
    const { provider, events } = setUp([new Response('', { status: 503 }), never], { maxAttempts: 4 });
    const only = caller(provider);
    await vi.advanceTimersByTimeAsync(2_000);
    only.leave();
    await settle();
    expect(provider.status()).toMatchObject({
      attempts: { started: 2, succeeded: 0, failed: 2 },
      consecutiveFailures: 0,
      lastFailure: { code: 'ERR_TOKEN_REJECTED', status: 503 },
    });
    // Every attempt that was reported as started is reported as over.
    expect(events.map(({ type }) => type)).toEqual([
      'exchange-started',
      'exchange-failed',
      'exchange-started',
      'exchange-failed',
    ]);
  });
});

describe('when the token is invalidated during a retry', () => {
  it('waiting callers get the next token, and the retry of the old exchange is left out', async () => {
    const failing = deferred<Response>();
    const { provider, fetch } = setUp([failing.promise, tokenResponse('t2')], { maxAttempts: 4 });
    const waiting = [provider.getAccessToken(), provider.getAccessToken(), caller(provider).done];
    await settle();
    provider.invalidate();
    failing.resolve(new Response('', { status: 503 }));
    await settle();
    expect(await Promise.all(waiting)).toEqual(['t2', 't2', 't2']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it('callers before and after it share the next exchange', async () => {
    const failing = deferred<Response>();
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([failing.promise, slow.promise], { maxAttempts: 4 });
    const before = provider.getAccessToken();
    await settle();
    provider.invalidate();
    const after = provider.getAccessToken();
    await settle();
    failing.resolve(new Response('', { status: 503 }));
    await settle();
    slow.resolve(tokenResponse('t2'));
    expect(await Promise.all([before, after])).toEqual(['t2', 't2']);
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('in the pause between two attempts, the retry gets a token that is kept', async () => {
    const { provider, fetch } = setUp([new Response('', { status: 503 }), tokenResponse('t2')], {
      maxAttempts: 4,
    });
    const waiting = provider.getAccessToken();
    await settle();
    provider.invalidate();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await waiting).toBe('t2');
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

describe('cancelUnawaited', () => {
  it('does not delay the next refresh', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 10 }), never]);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(9_000);
    for (const exchanges of [2, 3]) {
      await provider.getAccessToken();
      await settle();
      expect(fetch).toHaveBeenCalledTimes(exchanges);
      provider.cancelUnawaited();
      await settle();
    }
  });

  it('ends a refresh in the background, but no exchange that a caller waits for', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 10 }), never]);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(9_000);
    await provider.getAccessToken();
    await settle();
    provider.cancelUnawaited();
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    const waiting = caller(provider);
    await settle();
    provider.cancelUnawaited();
    expect(fetch.mock.calls[2]?.[1]?.signal?.aborted).toBe(false);
    waiting.leave();
    await failureOf(waiting.done.then((error) => Promise.reject(error as Error)));
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred, failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the signal of a call', () => {
  it('ends the wait of that caller only', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise]);
    const controller = new AbortController();
    const aborted = failureOf(provider.getAccessToken({ signal: controller.signal }));
    const other = provider.getAccessToken({ signal: new AbortController().signal });
    await settle();
    controller.abort(new Error('the reason of the caller'));
    expect(await aborted).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
    expect(fetch.mock.calls[0]?.[1]?.signal?.aborted).toBe(false);
    slow.resolve(tokenResponse('t1'));
    expect(await other).toBe('t1');
    expect(await provider.getAccessToken({ signal: new AbortController().signal })).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('prevents the exchange if it has already aborted', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')]);
    expect(await failureOf(provider.getAccessToken({ signal: AbortSignal.abort() }))).toMatchObject({
      reason: 'aborted',
    });
    expect(fetch).not.toHaveBeenCalled();
  });

  it('that has already aborted gets no token, although one is cached', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')]);
    await provider.getAccessToken();
    expect(await failureOf(provider.getAccessToken({ signal: AbortSignal.abort() }))).toMatchObject({
      reason: 'aborted',
    });
    // A call with other options gets the fresh token, without an exchange in the background.
    for (const options of [{}, { preferFresh: true }]) {
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await provider.getAccessToken(options)).toBe('t1');
    }
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('keeps no listener when the call is over', async () => {
    const { provider } = setUp([tokenResponse('t1')]);
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    await provider.getAccessToken({ signal });
    await settle();
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

describe('preferFresh', () => {
  /** A provider within the refresh window of `t1`, whose next response is `next`. */
  async function inWindow(next: Response | Promise<Response>) {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 60 }), next]);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(50_000);
    return { provider, fetch };
  }

  it('waits for the new token within the refresh window', async () => {
    const slow = deferred<Response>();
    const { provider } = await inWindow(slow.promise);
    const patient = provider.getAccessToken({ preferFresh: true });
    expect(await provider.getAccessToken()).toBe('t1');
    slow.resolve(tokenResponse('t2'));
    expect(await patient).toBe('t2');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('returns the old token after 3 s, and goes on with the refresh', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = await inWindow(slow.promise);
    const patient = provider.getAccessToken({ preferFresh: true });
    await vi.advanceTimersByTimeAsync(2_900);
    const settled = vi.fn();
    void patient.then(settled);
    await settle();
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(await patient).toBe('t1');
    expect(fetch.mock.calls[1]?.[1]?.signal?.aborted).toBe(false);
    slow.resolve(tokenResponse('t2'));
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it('returns the old token if the refresh fails', async () => {
    const { provider, fetch } = await inWindow(new Response('', { status: 503 }));
    expect(await provider.getAccessToken({ preferFresh: true })).toBe('t1');
    // The next one is after a pause, as without the option.
    expect(await provider.getAccessToken({ preferFresh: true })).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('does not wait for a fresh token, nor after its signal has aborted', async () => {
    const { provider, fetch } = setUp([
      tokenResponse('t1', { expires_in: 60 }),
      new Promise(() => undefined),
    ]);
    await provider.getAccessToken();
    expect(await provider.getAccessToken({ preferFresh: true })).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(50_000);
    const controller = new AbortController();
    const aborted = failureOf(provider.getAccessToken({ preferFresh: true, signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
  });
});

it('a caller that prefers a fresh token waits for it even if the old one expires meanwhile', async () => {
  const slow = deferred<Response>();
  const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 10 }), slow.promise]);
  await provider.getAccessToken();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(await provider.getAccessToken()).toBe('t1');
  let token: string | undefined;
  const call = provider.getAccessToken({ preferFresh: true }).then((value) => {
    token = value;
  });
  // Longer than it waits while the old token is valid.
  await vi.advanceTimersByTimeAsync(4_000);
  expect(token).toBeUndefined();
  slow.resolve(tokenResponse('t2'));
  await call;
  expect(token).toBe('t2');
  expect(fetch).toHaveBeenCalledTimes(2);
});

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

  it('keeps no listener when the call is over', async () => {
    const { provider } = setUp([tokenResponse('t1')]);
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    await provider.getAccessToken({ signal });
    await settle();
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('status() and events', () => {
  it('describe the whole life of a token, without its value', async () => {
    const { provider, events } = setUp([tokenResponse('token-1'), tokenResponse('token-2')]);
    expect(provider.status()).toEqual({
      token: 'none',
      expiresInMs: undefined,
      refreshInMs: undefined,
      isExchanging: false,
      attempts: { started: 0, succeeded: 0, failed: 0 },
      servedStale: 0,
      consecutiveFailures: 0,
      lastFailure: undefined,
      lastDurationMs: undefined,
      throttledForMs: 0,
    });
    const first = provider.getAccessToken();
    expect(provider.status().isExchanging).toBe(true);
    await first;
    expect(provider.status()).toMatchObject({ token: 'fresh', expiresInMs: 3_600_000, lastDurationMs: 0 });
    vi.advanceTimersByTime(3_560_000);
    await provider.getAccessToken();
    expect(provider.status()).toMatchObject({ token: 'stale', expiresInMs: 40_000, isExchanging: true });
    await settle();
    vi.advanceTimersByTime(3_600_000);
    expect(provider.status()).toMatchObject({ token: 'expired', expiresInMs: 0, refreshInMs: 0 });
    provider.invalidate();
    provider.invalidate();
    expect(events).toEqual([
      { type: 'exchange-started', attempt: 1, isBackground: false },
      {
        type: 'exchange-succeeded',
        attempt: 1,
        isBackground: false,
        durationMs: 0,
        lifetimeMs: 3_600_000,
      },
      { type: 'served-stale', count: 1, expiresInMs: 40_000 },
      { type: 'exchange-started', attempt: 1, isBackground: true },
      { type: 'exchange-succeeded', attempt: 1, isBackground: true, durationMs: 0, lifetimeMs: 3_600_000 },
      { type: 'invalidated' },
    ]);
    expect(JSON.stringify([events, provider.status()])).not.toMatch(/token-\d|s3cret/);
  });

  it('are not affected by a hook that throws, rejects, or asks for a token itself', async () => {
    let nested: Promise<string> | undefined;
    const { provider, fetch } = setUp([tokenResponse('t1')], {
      onEvent: () => {
        nested ??= provider.getAccessToken();
        throw new Error('in the hook');
      },
    });
    expect(await provider.getAccessToken()).toBe('t1');
    expect(await nested).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
    const rejecting = setUp([tokenResponse('t1')], {
      onEvent: vi.fn().mockRejectedValue(new Error('in the hook')),
    });
    expect(await rejecting.provider.getAccessToken()).toBe('t1');
  });
});

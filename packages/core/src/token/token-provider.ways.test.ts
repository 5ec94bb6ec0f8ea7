import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bodyOf, failureOf, settle, setUp, tokenAnswer } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function basicOf(fetch: ReturnType<typeof setUp>['fetch']): string {
  const header = new Headers(fetch.mock.calls[0]?.[1]?.headers).get('authorization') ?? '';
  return Buffer.from(header.replace('Basic ', ''), 'base64').toString('utf8');
}

describe('credentials', () => {
  it('go by Basic, form-encoded first, and then not in the body', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1')], {
      credentialsIn: 'basic',
      clientId: 'client: 1',
    });
    await provider.getAccessToken();
    expect(basicOf(fetch)).toBe('client%3A+1:s3cret%2B%2F%26%3D%C3%BC');
    expect(Object.fromEntries(bodyOf(fetch))).toEqual({
      grant_type: 'client_credentials',
      provider: 'client_credentials',
    });
  });

  it('go by Basic as they are where that is asked for', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1')], { credentialsIn: 'basic-raw' });
    await provider.getAccessToken();
    expect(basicOf(fetch)).toBe('client-1:s3cret+/&=ü');
    expect(() => setUp([], { credentialsIn: 'basic-raw', clientId: 'a:b' })).toThrow('colon');
  });

  it('come from a function that is asked for each attempt', async () => {
    const secrets = ['old\n', 'new'];
    const { provider, fetch } = setUp([new TypeError('fetch failed'), tokenAnswer('t1')], {
      maxAttempts: 2,
      clientSecret: async () => secrets.shift() ?? '',
    });
    const call = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await call).toBe('t1');
    expect([0, 1].map((attempt) => bodyOf(fetch, attempt).get('client_secret'))).toEqual(['old', 'new']);
  });

  it.each<[string, () => string | Promise<string>]>([
    [
      'throws',
      () => {
        throw new Error('leak-/run/secrets/x');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('leak-/run/secrets/x'))],
    ['gives nothing', () => ''],
    ['gives no text', () => 7 as unknown as string],
  ])('are refused where that function %s', async (_, clientSecret) => {
    const { provider, fetch } = setUp([tokenAnswer('t1')], { clientSecret, maxAttempts: 4 });
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'clientSecret' });
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toContain('leak-');
    expect(fetch).not.toHaveBeenCalled();
  });

  it('are not waited for longer than an attempt may take', async () => {
    const { provider } = setUp([], {
      clientSecret: () => new Promise(() => undefined),
      timeoutMs: 300,
    });
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(300);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' });
  });
});

describe('parameters', () => {
  it('are sent along', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1')], {
      scope: ['config:read', 'config:write'],
      audience: 'https://api.example.com',
      resource: ['https://one.example', 'https://two.example'],
      extraParameters: { tenant: 'a b', provider: 'other' },
    });
    await provider.getAccessToken();
    expect([...bodyOf(fetch)]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'config:read config:write'],
      ['audience', 'https://api.example.com'],
      ['resource', 'https://one.example'],
      ['resource', 'https://two.example'],
      ['tenant', 'a b'],
      ['provider', 'other'],
      ['client_id', 'client-1'],
      ['client_secret', 's3cret+/&=ü'],
    ]);
  });

  it('cannot say one thing twice', () => {
    expect(() => setUp([], { scope: 'a', extraParameters: { scope: 'b' } })).toThrow('another option');
  });
});

describe('status and events', () => {
  it('tell of a whole life without a value', async () => {
    const { provider, events } = setUp([tokenAnswer('token-1'), tokenAnswer('token-2')]);
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

  it('survive a hook that throws, rejects, or asks for a token itself', async () => {
    let asked: Promise<string> | undefined;
    const { provider, fetch } = setUp([tokenAnswer('t1')], {
      onEvent: () => {
        asked ??= provider.getAccessToken();
        throw new Error('in the hook');
      },
    });
    expect(await provider.getAccessToken()).toBe('t1');
    expect(await asked).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
    const rejecting = setUp([tokenAnswer('t1')], {
      onEvent: vi.fn().mockRejectedValue(new Error('in the hook')),
    });
    expect(await rejecting.provider.getAccessToken()).toBe('t1');
  });
});

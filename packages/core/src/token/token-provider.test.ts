import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OptionsError } from '../index.ts';
import { TokenProvider } from '../server.ts';
import { bodyOf, deferred, failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the exchange', () => {
  it('posts the client credentials as a form', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')]);
    await expect(provider.getAccessToken()).resolves.toBe('t1');
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe('https://auth.example.com/token');
    expect(init?.method).toBe('POST');
    expect(new Headers(init?.headers).get('content-type')).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(bodyOf(fetch))).toEqual({
      grant_type: 'client_credentials',
      provider: 'client_credentials',
      client_id: 'client-1',
      client_secret: 's3cret+/&=ü',
    });
  });

  it.each([
    ['https://auth.example.com///', 'https://auth.example.com/token'],
    ['https://auth.example.com/realms/shop/', 'https://auth.example.com/realms/shop/token'],
    ['http://localhost:4000', 'http://localhost:4000/token'],
    ['http://127.0.0.1:4000/', 'http://127.0.0.1:4000/token'],
    ['http://[::1]:4000/', 'http://[::1]:4000/token'],
  ])('with the authUrl %s goes to %s', async (authUrl, expected) => {
    const { provider, fetch } = setUp([tokenResponse('t1')], { authUrl });
    await provider.getAccessToken();
    expect(fetch.mock.calls[0]?.[0]).toBe(expected);
  });

  it('looks the global fetch up at each call', async () => {
    const global = vi.fn<typeof fetch>(async () => tokenResponse('global'));
    const provider = new TokenProvider({ authUrl: 'https://a.example', clientId: 'c', clientSecret: 's' });
    vi.stubGlobal('fetch', global);
    try {
      await expect(provider.getAccessToken()).resolves.toBe('global');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('never follows a redirect, which would send the secret elsewhere', async () => {
    const redirect = new Response(null, { status: 307, headers: { location: 'https://evil.example/token' } });
    const { provider, fetch } = setUp([redirect]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ code: 'ERR_TOKEN_REJECTED', status: 307 });
    expect(fetch.mock.calls[0]?.[1]?.redirect).toBe('manual');
    expect(fetch).toHaveBeenCalledTimes(1);
  });
});

describe('options', () => {
  it.each(['authUrl', 'clientId', 'clientSecret'] as const)('refuses an empty %s by name', (option) => {
    for (const value of ['', '   ', undefined as unknown as string]) {
      const make = () => setUp([], { [option]: value });
      expect(make).toThrow(OptionsError);
      expect(make).toThrow(option);
    }
  });

  it.each([
    ['not a url', 'authUrl'],
    ['ftp://auth.example.com', 'authUrl'],
    ['http://auth.example.com', 'allowInsecureHttp'],
    ['http://localhost.evil.example', 'allowInsecureHttp'],
    ['http://127.0.0.1.evil.example', 'allowInsecureHttp'],
    ['https://user:hunter2@auth.example.com', 'user name or password'],
    ['https://auth.example.com/?tenant=1', 'query'],
    ['https://auth.example.com/#x', 'fragment'],
  ])('refuses the authUrl %s', (authUrl, words) => {
    const make = () => setUp([], { authUrl });
    expect(make).toThrow(words);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'authUrl' }));
    expect(make).not.toThrow('hunter2');
  });

  it('accepts plain http with allowInsecureHttp', async () => {
    const { provider } = setUp([tokenResponse('t1')], {
      authUrl: 'http://auth.lan',
      allowInsecureHttp: true,
    });
    await expect(provider.getAccessToken()).resolves.toBe('t1');
  });

  it.each([
    ['refreshWindowSec', -1],
    ['refreshWindowSec', Number.NaN],
    ['timeoutMs', 0],
    ['timeoutMs', Number.POSITIVE_INFINITY],
    ['deadlineMs', 0],
    ['maxAttempts', 0],
    ['credentialsIn', 'header'],
    ['fetch', 'fetch'],
    ['onEvent', {}],
    ['waitUntil', 1],
    ['scope', [' ']],
    ['extraParameters', { grant_type: 'password' }],
    ['extraParameters', { client_secret: 'x' }],
    ['extraParameters', { tenant: 1 }],
  ])('refuses %s %s', (option, value) => {
    expect(() => setUp([], { [option]: value })).toThrow(option);
  });
});

describe('the cache', () => {
  it.each([
    ['a lifetime of an hour and the default window', { expires_in: 3600 }, 60, 3540],
    ['a longer window', { expires_in: 3600 }, 600, 3000],
    ['no window', { expires_in: 3600 }, 0, 3600],
    ['a window longer than a third of the lifetime', { expires_in: 30 }, 60, 20],
    ['a lifetime as a numeric string', { expires_in: '120' }, 10, 110],
    ['no lifetime', {}, 60, 3540],
    ['a lifetime of zero', { expires_in: 0 }, 60, 3540],
    ['a negative lifetime', { expires_in: -5 }, 60, 3540],
    ['a lifetime that is not a number', { expires_in: 'soon' }, 60, 3540],
    ['an empty lifetime', { expires_in: '' }, 60, 3540],
    ['a lifetime that is not a decimal number', { expires_in: '0x10' }, 60, 3540],
    ['a list with a lifetime', { expires_in: [120] }, 60, 3540],
    ['a lifetime with a fraction', { expires_in: '120.25' }, 10.25, 110],
    ['a lifetime of a year', { expires_in: 31_536_000 }, 60, 86_340],
    ['a lifetime of a year and a second', { expires_in: 31_536_001 }, 60, 3540],
    ['a lifetime far above a year', { expires_in: 1e15 }, 60, 3540],
    ['a lifetime above a day', { expires_in: 604_800 }, 60, 86_340],
  ])('serves a token until its refresh window: %s', async (_, more, refreshWindowSec, keptSec) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { provider, fetch } = setUp([tokenResponse('t1', more), tokenResponse('t2', more)], {
      refreshWindowSec,
    });
    expect(await provider.getAccessToken()).toBe('t1');
    vi.advanceTimersByTime(keptSec * 1000 - 1);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(await provider.getAccessToken()).toBe(refreshWindowSec === 0 ? 't2' : 't1');
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('counts the lifetime from before the request', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenResponse('t2')], {
      refreshWindowSec: 0,
      timeoutMs: 60_000,
    });
    const first = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(20_000);
    slow.resolve(tokenResponse('t1', { expires_in: 30 }));
    expect(await first).toBe('t1');
    vi.advanceTimersByTime(10_000);
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('expires a token even if the wall clock is set back, or the machine sleeps', async () => {
    const { provider } = setUp([tokenResponse('t1'), tokenResponse('t2'), tokenResponse('t3')]);
    expect(await provider.getAccessToken()).toBe('t1');
    vi.advanceTimersByTime(3_600_000);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(await provider.getAccessToken()).toBe('t2');
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await provider.getAccessToken()).toBe('t3');
  });

  it('shares one exchange between concurrent callers, who do not wait for a refresh', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([tokenResponse('t1'), slow.promise]);
    const cold = await Promise.all(Array.from({ length: 10_000 }, () => provider.getAccessToken()));
    expect(new Set(cold)).toEqual(new Set(['t1']));
    expect(fetch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(3_560_000);
    const again = await Promise.all(Array.from({ length: 10_000 }, () => provider.getAccessToken()));
    expect(new Set(again)).toEqual(new Set(['t1']));
    slow.resolve(tokenResponse('t2'));
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('joins a running refresh once the old token has expired', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([tokenResponse('t1'), slow.promise], { timeoutMs: 60_000 });
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_595_000);
    await provider.getAccessToken();
    vi.advanceTimersByTime(5_000);
    const waiting = provider.getAccessToken();
    slow.resolve(tokenResponse('t2'));
    expect(await waiting).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('starts the refresh window at a random time, not earlier than configured', async () => {
    const starts = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const { provider } = setUp([tokenResponse('t1')], { refreshWindowSec: 60 });
        await provider.getAccessToken();
        return provider.status().refreshInMs ?? 0;
      }),
    );
    expect(new Set(starts).size).toBeGreaterThan(40);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(3_540_000);
    expect(Math.max(...starts)).toBeLessThanOrEqual(3_555_000);
  });

  it.each([1, 2, 5, 30, 60])('uses a token that lives %d s for most of its lifetime', async (seconds) => {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: seconds })]);
    await provider.getAccessToken();
    for (let tenth = 0; tenth < 6; tenth++) {
      vi.advanceTimersByTime(seconds * 100);
      await provider.getAccessToken();
    }
    expect(fetch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(seconds * 300);
    await provider.getAccessToken();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('waits between exchanges even if tokens expire at once', async () => {
    const { provider, fetch } = setUp([tokenResponse('same', { expires_in: 0.001 })]);
    await provider.getAccessToken();
    const until = Date.now() + 10_000;
    while (Date.now() < until) {
      const call = provider.getAccessToken();
      await vi.advanceTimersByTimeAsync(10);
      void call;
    }
    expect(fetch.mock.calls.length).toBeGreaterThan(10);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(21);
  });

  it('retries, and then rejects, if a token has expired on arrival', async () => {
    const late = (): Promise<Response> =>
      new Promise((resolve) => setTimeout(() => resolve(tokenResponse('late', { expires_in: 1 })), 2_000));
    const { provider, fetch } = setUp([], { maxAttempts: 2 });
    fetch.mockImplementation(late);
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_MALFORMED', reason: 'expired' });
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('rejects for each caller that waits, and does not cache the failure', async () => {
    const { provider, fetch } = setUp([
      Response.json({ error: 'invalid_client' }, { status: 401 }),
      tokenResponse('t1'),
    ]);
    const results = await Promise.allSettled([provider.getAccessToken(), provider.getAccessToken()]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(fetch).toHaveBeenCalledTimes(1);
    await expect(provider.getAccessToken()).resolves.toBe('t1');
  });
});

describe('invalidate', () => {
  it('makes the next call exchange', async () => {
    const { provider } = setUp([tokenResponse('t1'), tokenResponse('t2')]);
    await provider.getAccessToken();
    provider.invalidate();
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it('drops only the rejected token, so late refusals of an old one cost nothing', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1'), tokenResponse('t2')]);
    await provider.getAccessToken();
    provider.invalidate('t1');
    const renewing = provider.getAccessToken();
    provider.invalidate('t1');
    const joined = provider.getAccessToken();
    expect(await renewing).toBe('t2');
    expect(await joined).toBe('t2');
    provider.invalidate('t1');
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('keeps later callers away from an exchange that began before', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenResponse('new')]);
    const before = provider.getAccessToken();
    provider.invalidate();
    expect(await provider.getAccessToken()).toBe('new');
    slow.resolve(tokenResponse('revoked'));
    expect(await before).toBe('revoked');
    expect(await provider.getAccessToken()).toBe('new');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('also discards the result of a running refresh', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([tokenResponse('t1'), slow.promise, tokenResponse('t3')]);
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_560_000);
    const stale = provider.getAccessToken();
    provider.invalidate('t1');
    expect(await provider.getAccessToken()).toBe('t3');
    slow.resolve(tokenResponse('t2'));
    await stale;
    expect(await provider.getAccessToken()).toBe('t3');
  });

  it('is not undone by the failure of an exchange that began before', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenResponse('t2')]);
    const before = provider.getAccessToken();
    provider.invalidate();
    const after = provider.getAccessToken();
    slow.reject(new TypeError('fetch failed'));
    expect(await failureOf(before)).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    expect(await after).toBe('t2');
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('waits between exchanges although one from before fails meanwhile', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenResponse('t2'), tokenResponse('t3')]);
    const before = failureOf(provider.getAccessToken());
    provider.invalidate();
    expect(await provider.getAccessToken()).toBe('t2');
    slow.reject(new TypeError('fetch failed'));
    await before;
    provider.invalidate();
    const third = provider.getAccessToken();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(await third).toBe('t3');
  });

  it('exchanges once for staggered refusals of one revoked token', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1'), tokenResponse('t2')]);
    const refused = await provider.getAccessToken();
    for (let request = 0; request < 20; request++) {
      provider.invalidate(refused);
      expect(await provider.getAccessToken()).toBe('t2');
      vi.advanceTimersByTime(30);
    }
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('waits between exchanges if the server issues a refused token again', async () => {
    const { provider, fetch } = setUp([tokenResponse('same')]);
    await provider.getAccessToken();
    let calls = 0;
    for (let elapsed = 0; elapsed < 5_000; elapsed += 50) {
      provider.invalidate('same');
      const call = provider.getAccessToken().then(() => {
        calls += 1;
      });
      await vi.advanceTimersByTimeAsync(50);
      void call;
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toBe(100);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(13);
  });

  it('keeps an exchange that waits for its next attempt', async () => {
    const { provider, fetch } = setUp([new TypeError('fetch failed'), tokenResponse('t1')], {
      maxAttempts: 2,
    });
    const before = provider.getAccessToken();
    await settle();
    provider.invalidate();
    const after = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await Promise.all([before, after])).toEqual(['t1', 't1']);
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConfigError } from '../index.ts';
import { ConfigApi } from '../server.ts';
import { runs } from '../test-support/runs.ts';
import { bodyOf, deferred, failureOf, settle, setUp, tokenResponse } from '../test-support/token-fixture.ts';

// Misbehaving callers, hooks, issuers, clocks and fetch implementations.

const nextTurn = globalThis.setImmediate;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
process.on('unhandledRejection', onUnhandled);
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
});
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  // Node reports unhandled rejections after the microtasks.
  await new Promise<void>((resolve) => nextTurn(() => resolve()));
  expect(unhandled.splice(0)).toEqual([]);
});

describe('callers', () => {
  it('can all abort but one, who gets the token of the only exchange', async () => {
    const count = runs(1_000, 10_000);
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise]);
    const controllers = Array.from({ length: count - 1 }, () => new AbortController());
    const aborted = controllers.map(({ signal }) => failureOf(provider.getAccessToken({ signal })));
    const last = provider.getAccessToken({ signal: new AbortController().signal });
    await settle();
    for (const controller of controllers) controller.abort();
    const reasons = (await Promise.all(aborted)).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set(['aborted']));
    slow.resolve(tokenResponse('t1'));
    expect(await last).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('can all abort before the exchange fails', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise], { waitWhenThrottled: true });
    const controller = new AbortController();
    const aborted = failureOf(provider.getAccessToken({ signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await aborted).toMatchObject({ reason: 'aborted' });
    slow.reject(new TypeError('fetch failed'));
    await settle();
    expect(provider.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });

  it('can pass hooks that reject', async () => {
    // As an async function does.
    const fail: () => unknown = () => Promise.reject(new Error('in the hook'));
    const { provider } = setUp([tokenResponse('t1'), tokenResponse('t2')], {
      waitUntil: fail,
      onEvent: fail,
    });
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_560_000);
    expect(await provider.getAccessToken()).toBe('t1');
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it.each([new AbortController(), {}, 'signal', 7])(
    'get an OptionsError for the signal %o',
    async (wrong) => {
      const signal = wrong as unknown as AbortSignal;
      for (const waitWhenThrottled of [false, true]) {
        const { provider } = setUp([new TypeError('fetch failed')], { waitWhenThrottled });
        const error = await failureOf(provider.getAccessToken({ signal }));
        expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'signal' });
        const api = new ConfigApi({
          apiUrl: 'https://api.example.com',
          organizationId: 'o',
          tokenProvider: provider,
        });
        expect(await failureOf(api.listSchemas({ signal }))).toMatchObject({ option: 'signal' });
      }
    },
  );

  it('can pass null as a signal, as for fetch', async () => {
    const { provider } = setUp([tokenResponse('t1')]);
    expect(await provider.getAccessToken({ signal: null as unknown as AbortSignal })).toBe('t1');
  });

  it('can rotate the secret during an exchange with the old one', async () => {
    let secret = 'old';
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenResponse('t2')], { clientSecret: () => secret });
    const before = failureOf(provider.getAccessToken());
    await settle();
    secret = 'new';
    slow.resolve(Response.json({ error: 'invalid_client' }, { status: 401 }));
    expect(await before).toMatchObject({ error: 'invalid_client' });
    expect(await provider.getAccessToken()).toBe('t2');
    expect([0, 1].map((call) => bodyOf(fetch, call).get('client_secret'))).toEqual(['old', 'new']);
  });
});

describe('tokens', () => {
  it('that are always refused are exchanged at most twice a second', async () => {
    const { provider, fetch } = setUp([]);
    let issued = 0;
    fetch.mockImplementation(async () => tokenResponse(['one', 'two'][issued++ % 2] ?? ''));
    let received = 0;
    const refuseAll = async (): Promise<void> => {
      for (;;) {
        provider.invalidate(await provider.getAccessToken());
        received += 1;
        await new Promise((resolve) => setTimeout(resolve, 7));
      }
    };
    for (let caller = 0; caller < 20; caller++) void refuseAll();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(received).toBeGreaterThan(20);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(22);
  });

  it('that are issued again with the rest of their lifetime are replaced a few times per lifetime', async () => {
    const { provider, fetch } = setUp([]);
    fetch.mockImplementation(async () => {
      const leftMs = 60_000 - (performance.now() % 60_000);
      return tokenResponse(`token-${Math.floor(performance.now() / 60_000)}`, { expires_in: leftMs / 1000 });
    });
    const lifetimes = 5;
    for (let quarter = 0; quarter < lifetimes * 240; quarter++) {
      provider.getAccessToken().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(lifetimes);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(lifetimes * 12);
  });

  it('live between 0 s and a day, whatever expires_in is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (lifetime) => {
        const { provider } = setUp([tokenResponse('t1', { expires_in: lifetime })]);
        const token = await provider.getAccessToken().catch((error: unknown) => error);
        const { expiresInMs = 0 } = provider.status();
        if (token !== 't1') expect(token).toMatchObject({ reason: 'expired' });
        else expect(expiresInMs > 0 && expiresInMs <= 86_400_000).toBe(true);
      }),
      { numRuns: runs(50, 100) },
    );
  });
});

describe('a burst of calls', () => {
  // After many checks in one millisecond, most calls do not read the clocks.
  it.each([
    ['its expiry', 60_000, 't2'],
    ['the last moment of its life', 59_999, 't1'],
    ['a year later', 31_536_000_000, 't2'],
  ])('does not extend the life of a token: %s', async (_, elapsedMs, next) => {
    for (const count of [1, 64, 65, 66, 100, 129, 130, 200]) {
      const { provider } = setUp([tokenResponse('t1', { expires_in: 60 }), tokenResponse('t2')], {
        refreshWindowSec: 0,
      });
      for (let call = 0; call < count; call++) expect(await provider.getAccessToken()).toBe('t1');
      vi.setSystemTime(Date.now() + elapsedMs);
      const token = provider.getAccessToken();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await token).toBe(next);
    }
  });

  it('gets the fresh token, without an exchange or a report of a stale one', async () => {
    const { provider, fetch, events } = setUp([tokenResponse('t1'), tokenResponse('t2')]);
    for (let call = 0; call < 500; call++) expect(await provider.getAccessToken()).toBe('t1');
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(events.map(({ type }) => type)).toEqual(['exchange-started', 'exchange-succeeded']);
  });

  it('does not postpone the refresh window', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1', { expires_in: 60 }), tokenResponse('t2')]);
    for (let call = 0; call < 200; call++) await provider.getAccessToken();
    vi.setSystemTime(Date.now() + 59_000);
    await provider.getAccessToken();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

describe('a wall clock', () => {
  it('that stands still does not keep a token valid', async () => {
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now);
    const { provider } = setUp([tokenResponse('t1', { expires_in: 60 }), tokenResponse('t2')]);
    for (let call = 0; call < 1_000; call++) await provider.getAccessToken();
    vi.advanceTimersByTime(3_600_000);
    const tokens: string[] = [];
    for (let call = 0; call < 200; call++) tokens.push(await provider.getAccessToken());
    // Calls in one millisecond, as this clock shows them, read the clocks once in 65.
    expect(tokens.slice(64)).toEqual(Array(136).fill('t2'));
  });

  it('that jumps back and forth costs one exchange', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1'), tokenResponse('t2')]);
    for (let swing = 0; swing < 20; swing++) {
      await provider.getAccessToken();
      await vi.advanceTimersByTimeAsync(1_000);
      vi.setSystemTime(Date.now() + (swing % 2 === 0 ? 86_400_000 : -86_400_000));
    }
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

const nonResponses: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a string', '{"access_token":"t"}'],
  ['an object', {}],
  ['an object without a status', { ok: true, json: async () => ({ access_token: 't' }) }],
  ['an object without headers', { status: 503, text: async () => '{}' }],
  ['a body that is not a stream', { status: 200, headers: new Headers(), body: '{}' }],
  ['a body without a reader', { status: 200, headers: new Headers(), body: { getReader: null } }],
  ['Response.error()', Response.error()],
  ['a hidden redirect', { status: 0, type: 'opaqueredirect', headers: new Headers(), body: null }],
];

describe('a fetch', () => {
  it.each(nonResponses)('that returns %s gives an error of this package', async (_, nonResponse) => {
    const fetch = async (): Promise<Response> => nonResponse as Response;
    const { provider } = setUp([], { fetch });
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'network' });
    const tokenProvider = { getAccessToken: async () => 't1', invalidate: () => undefined };
    const api = new ConfigApi({
      apiUrl: 'https://api.example.com',
      organizationId: 'o',
      tokenProvider,
      fetch,
      retries: 0,
    });
    for (const call of [api.listSchemas(), api.openStream('prod')]) {
      const refusal: unknown = await call.catch((reason: unknown) => reason);
      expect(isConfigError(refusal, 'ERR_REQUEST_TRANSPORT')).toBe(true);
    }
  });

  it('that hides a redirect gives an error that says so', async () => {
    const { provider } = setUp([], { fetch: async () => nonResponses.at(-1)?.[1] as Response });
    expect((await failureOf(provider.getAccessToken())).message).toContain('redirects');
  });
});

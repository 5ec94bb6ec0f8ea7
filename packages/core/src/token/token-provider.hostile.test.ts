import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConfigError } from '../index.ts';
import { ConfigApi } from '../server.ts';
import { bodyOf, deferred, failureOf, settle, setUp, tokenAnswer } from '../test-support/token-fixture.ts';

// What no careful user, issuer or machine would do.

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
  // Node tells of unhandled rejections when the microtasks are done.
  await new Promise<void>((resolve) => nextTurn(() => resolve()));
  expect(unhandled.splice(0)).toEqual([]);
});

describe('callers', () => {
  it('may all leave but one of 10,000, who gets the token of the one exchange', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise]);
    const controllers = Array.from({ length: 9_999 }, () => new AbortController());
    const leaving = controllers.map(({ signal }) => failureOf(provider.getAccessToken({ signal })));
    const staying = provider.getAccessToken({ signal: new AbortController().signal });
    await settle();
    for (const controller of controllers) controller.abort();
    const reasons = (await Promise.all(leaving)).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set(['aborted']));
    slow.resolve(tokenAnswer('t1'));
    expect(await staying).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('may all leave an exchange that fails after them', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise], { waitWhenThrottled: true });
    const controller = new AbortController();
    const leaving = failureOf(provider.getAccessToken({ signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await leaving).toMatchObject({ reason: 'aborted' });
    slow.reject(new TypeError('fetch failed'));
    await settle();
    expect(provider.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });

  it('may pass hooks that fail later', async () => {
    // As an async function that is given for a hook.
    const fail: () => unknown = () => Promise.reject(new Error('in the hook'));
    const { provider } = setUp([tokenAnswer('t1'), tokenAnswer('t2')], { waitUntil: fail, onEvent: fail });
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_560_000);
    expect(await provider.getAccessToken()).toBe('t1');
    await settle();
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it.each([new AbortController(), {}, 'signal', 7])(
    'may pass %o for a signal, and are told',
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

  it('may pass null for a signal, as fetch allows', async () => {
    const { provider } = setUp([tokenAnswer('t1')]);
    expect(await provider.getAccessToken({ signal: null as unknown as AbortSignal })).toBe('t1');
  });

  it('may rotate the secret while an exchange with the old one is out', async () => {
    let secret = 'of yesterday';
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([slow.promise, tokenAnswer('t2')], { clientSecret: () => secret });
    const before = failureOf(provider.getAccessToken());
    await settle();
    secret = 'of today';
    slow.resolve(Response.json({ error: 'invalid_client' }, { status: 401 }));
    expect(await before).toMatchObject({ error: 'invalid_client' });
    expect(await provider.getAccessToken()).toBe('t2');
    expect([0, 1].map((call) => bodyOf(fetch, call).get('client_secret'))).toEqual([
      'of yesterday',
      'of today',
    ]);
  });
});

describe('tokens', () => {
  it('that are all refused at once are asked for twice a second and no more', async () => {
    const { provider, fetch } = setUp([]);
    let handedOut = 0;
    fetch.mockImplementation(async () => tokenAnswer(['one', 'two'][handedOut++ % 2] ?? ''));
    let answered = 0;
    const refuseAll = async (): Promise<void> => {
      for (;;) {
        provider.invalidate(await provider.getAccessToken());
        answered += 1;
        await new Promise((resolve) => setTimeout(resolve, 7));
      }
    };
    for (let caller = 0; caller < 20; caller++) void refuseAll();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answered).toBeGreaterThan(20);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(22);
  });

  it('that come again with what is left of their life are replaced a few times a life', async () => {
    const { provider, fetch } = setUp([]);
    fetch.mockImplementation(async () => {
      const leftMs = 60_000 - (performance.now() % 60_000);
      return tokenAnswer(`token-${Math.floor(performance.now() / 60_000)}`, { expires_in: leftMs / 1000 });
    });
    const lives = 5;
    for (let quarter = 0; quarter < lives * 240; quarter++) {
      provider.getAccessToken().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(lives);
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(lives * 12);
  });

  it('live from above 0 s to a day, whatever expires_in is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (lifetime) => {
        const { provider } = setUp([tokenAnswer('t1', { expires_in: lifetime })]);
        const token = await provider.getAccessToken().catch((error: unknown) => error);
        const { expiresInMs = 0 } = provider.status();
        if (token !== 't1') expect(token).toMatchObject({ reason: 'expired' });
        else expect(expiresInMs > 0 && expiresInMs <= 86_400_000).toBe(true);
      }),
    );
  });
});

describe('a wall clock', () => {
  it('that stands still does not keep a token alive', async () => {
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now);
    const { provider } = setUp([tokenAnswer('t1', { expires_in: 60 }), tokenAnswer('t2')]);
    for (let call = 0; call < 1_000; call++) await provider.getAccessToken();
    vi.advanceTimersByTime(3_600_000);
    const tokens: string[] = [];
    for (let call = 0; call < 200; call++) tokens.push(await provider.getAccessToken());
    expect(tokens.slice(64)).toEqual(Array(136).fill('t2'));
  });

  it('that swings to and fro costs one exchange', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1'), tokenAnswer('t2')]);
    for (let swing = 0; swing < 20; swing++) {
      await provider.getAccessToken();
      await vi.advanceTimersByTimeAsync(1_000);
      vi.setSystemTime(Date.now() + (swing % 2 === 0 ? 86_400_000 : -86_400_000));
    }
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

const answers: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a text', '{"access_token":"t"}'],
  ['an object', {}],
  ['an object without a status', { ok: true, json: async () => ({ access_token: 't' }) }],
  ['an object without headers', { status: 503, text: async () => '{}' }],
  ['what is no body', { status: 200, headers: new Headers(), body: '{}' }],
  ['an answer that is read', { status: 200, headers: new Headers(), body: { getReader: null } }],
  ['an error', Response.error()],
  ['a hidden redirect', { status: 0, type: 'opaqueredirect', headers: new Headers(), body: null }],
];

describe('a fetch', () => {
  it.each(answers)('that answers %s gives one of our errors', async (_, answer) => {
    const fetch = async (): Promise<Response> => answer as Response;
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

  it('that hides a redirect is told of', async () => {
    const { provider } = setUp([], { fetch: async () => answers.at(-1)?.[1] as Response });
    expect((await failureOf(provider.getAccessToken())).message).toContain('redirects');
  });
});

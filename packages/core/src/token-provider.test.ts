import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConfigError, OptionsError } from './index.ts';
import { TokenProvider, type TokenProviderOptions } from './server.ts';

type Answer = Response | Error | Promise<Response>;

function tokenAnswer(accessToken: string, more: Record<string, unknown> = { expires_in: 3600 }): Response {
  return Response.json({ access_token: accessToken, token_type: 'Bearer', ...more });
}

/** A provider whose fetch gives the answers in turn, the last one for ever. */
function setUp(answers: Answer[], options: Partial<TokenProviderOptions> = {}) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer instanceof Response ? answer.clone() : (answer ?? Response.error());
  });
  const provider = new TokenProvider({
    authUrl: 'https://auth.example.com',
    clientId: 'client-1',
    clientSecret: 's3cret+/&=ü',
    fetch,
    ...options,
  });
  return { provider, fetch };
}

function bodyOf(fetch: ReturnType<typeof setUp>['fetch'], call = 0): URLSearchParams {
  const body = fetch.mock.calls[call]?.[1]?.body;
  if (typeof body !== 'string') throw new Error('The body is no text.');
  return new URLSearchParams(body);
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; status?: number }> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as Error,
  );
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the exchange', () => {
  it('posts the client credentials as a form', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1')]);
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
  ])('goes from %s to %s', async (authUrl, expected) => {
    const { provider, fetch } = setUp([tokenAnswer('t1')], { authUrl });
    await provider.getAccessToken();
    expect(fetch.mock.calls[0]?.[0]).toBe(expected);
  });

  it('uses the global fetch of the moment where none is given', async () => {
    const global = vi.fn<typeof fetch>(async () => tokenAnswer('global'));
    const provider = new TokenProvider({ authUrl: 'https://a.example', clientId: 'c', clientSecret: 's' });
    vi.stubGlobal('fetch', global);
    try {
      await expect(provider.getAccessToken()).resolves.toBe('global');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('never follows a redirect, which would carry the secret on', async () => {
    const answer = new Response(null, { status: 307, headers: { location: 'https://evil.example/token' } });
    const { provider, fetch } = setUp([answer]);
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

  it('takes plain http where that is allowed', async () => {
    const { provider } = setUp([tokenAnswer('t1')], { authUrl: 'http://auth.lan', allowInsecureHttp: true });
    await expect(provider.getAccessToken()).resolves.toBe('t1');
  });

  it.each([
    ['refreshWindowSec', -1],
    ['refreshWindowSec', Number.NaN],
    ['timeoutMs', 0],
    ['timeoutMs', Number.POSITIVE_INFINITY],
  ])('refuses %s %s', (option, value) => {
    expect(() => setUp([], { [option]: value })).toThrow(option);
  });
});

describe('the cache', () => {
  it.each([
    ['a lifetime of an hour and the default window', { expires_in: 3600 }, 60, 3540],
    ['a window of its own', { expires_in: 3600 }, 600, 3000],
    ['no window', { expires_in: 3600 }, 0, 3600],
    ['a window above a third of a short lifetime', { expires_in: 30 }, 60, 20],
    ['a lifetime as a numeric string', { expires_in: '120' }, 10, 110],
    ['no lifetime', {}, 60, 3540],
    ['a lifetime of zero', { expires_in: 0 }, 60, 3540],
    ['a negative lifetime', { expires_in: -5 }, 60, 3540],
    ['a lifetime that is no number', { expires_in: 'soon' }, 60, 3540],
    ['an empty lifetime', { expires_in: '' }, 60, 3540],
    ['an absurd lifetime', { expires_in: 1e15 }, 60, 86_340],
  ])('keeps a token until its refresh window: %s', async (_, more, refreshWindowSec, keptSec) => {
    const { provider, fetch } = setUp([tokenAnswer('t1', more), tokenAnswer('t2', more)], {
      refreshWindowSec,
    });
    expect(await provider.getAccessToken()).toBe('t1');
    vi.advanceTimersByTime(keptSec * 1000 - 1);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('counts the lifetime from before the request', async () => {
    let answer: (response: Response) => void = () => undefined;
    const slow = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const { provider, fetch } = setUp([slow, tokenAnswer('t2')], { refreshWindowSec: 0, timeoutMs: 60_000 });
    const first = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(20_000);
    answer(tokenAnswer('t1', { expires_in: 30 }));
    expect(await first).toBe('t1');
    vi.advanceTimersByTime(10_000);
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('never trusts an old token because the wall clock was set back, nor after a sleep that timers missed', async () => {
    const { provider } = setUp([tokenAnswer('t1'), tokenAnswer('t2'), tokenAnswer('t3')]);
    expect(await provider.getAccessToken()).toBe('t1');
    vi.advanceTimersByTime(3_600_000);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(await provider.getAccessToken()).toBe('t2');
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await provider.getAccessToken()).toBe('t3');
  });

  it('shares one exchange between concurrent callers, cold and at refresh', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1'), tokenAnswer('t2')]);
    const cold = await Promise.all(Array.from({ length: 10_000 }, () => provider.getAccessToken()));
    expect(new Set(cold)).toEqual(new Set(['t1']));
    expect(fetch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(3_550_000);
    const again = await Promise.all(Array.from({ length: 100 }, () => provider.getAccessToken()));
    expect(new Set(again)).toEqual(new Set(['t2']));
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('gives a rejection to each waiter and never keeps it', async () => {
    const { provider, fetch } = setUp([
      Response.json({ error: 'invalid_client' }, { status: 401 }),
      tokenAnswer('t1'),
    ]);
    const results = await Promise.allSettled([provider.getAccessToken(), provider.getAccessToken()]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(fetch).toHaveBeenCalledTimes(1);
    await expect(provider.getAccessToken()).resolves.toBe('t1');
  });

  it.each([
    ['the network fails', new TypeError('fetch failed')],
    ['the server is broken', Response.json({}, { status: 503 })],
    ['the server is busy', Response.json({}, { status: 429 })],
  ])('serves the old token while it lives where %s, without a try at each call', async (_, failure) => {
    const { provider, fetch } = setUp([tokenAnswer('t1'), failure]);
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_545_000);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(await provider.getAccessToken()).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(5_000);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(fetch).toHaveBeenCalledTimes(3);
    vi.advanceTimersByTime(50_000);
    expect(isConfigError(await failureOf(provider.getAccessToken()))).toBe(true);
  });

  it('does not hide a refusal of the client behind the old token', async () => {
    const { provider } = setUp([
      tokenAnswer('t1'),
      Response.json({ error: 'invalid_client' }, { status: 401 }),
    ]);
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_545_000);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({
      code: 'ERR_TOKEN_REJECTED',
      status: 401,
    });
  });
});

describe('invalidate', () => {
  it('makes the next call exchange', async () => {
    const { provider } = setUp([tokenAnswer('t1'), tokenAnswer('t2')]);
    await provider.getAccessToken();
    provider.invalidate();
    expect(await provider.getAccessToken()).toBe('t2');
  });

  it('drops only the token that was rejected: late refusals of an old one cost nothing', async () => {
    const { provider, fetch } = setUp([tokenAnswer('t1'), tokenAnswer('t2')]);
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

  it('neither joins nor keeps an exchange that began before', async () => {
    let answer: (response: Response) => void = () => undefined;
    const slow = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const { provider, fetch } = setUp([slow, tokenAnswer('new')]);
    const before = provider.getAccessToken();
    provider.invalidate();
    expect(await provider.getAccessToken()).toBe('new');
    answer(tokenAnswer('revoked'));
    expect(await before).toBe('revoked');
    expect(await provider.getAccessToken()).toBe('new');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('drops an exchange that runs ahead of the rejected token', async () => {
    let answer: (response: Response) => void = () => undefined;
    const slow = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const { provider } = setUp([tokenAnswer('t1'), slow, tokenAnswer('t3')]);
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_545_000);
    const ahead = provider.getAccessToken();
    provider.invalidate('t1');
    expect(await provider.getAccessToken()).toBe('t3');
    answer(tokenAnswer('t2'));
    await ahead;
    expect(await provider.getAccessToken()).toBe('t3');
  });

  it('does not let a failed exchange from before clear the one that follows', async () => {
    let fail: (error: Error) => void = () => undefined;
    const slow = new Promise<Response>((_, reject) => {
      fail = reject;
    });
    const { provider, fetch } = setUp([slow, tokenAnswer('t2')]);
    const before = provider.getAccessToken();
    provider.invalidate();
    const after = provider.getAccessToken();
    fail(new TypeError('fetch failed'));
    expect(await failureOf(before)).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    expect(await after).toBe('t2');
    expect(await provider.getAccessToken()).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});

describe('failures', () => {
  it('carries what RFC 6749 §5.2 says', async () => {
    const body = { error: 'invalid_client', error_description: 'Unknown client.' };
    const { provider } = setUp([Response.json(body, { status: 401 })]);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({
      name: 'TokenRejectedError',
      code: 'ERR_TOKEN_REJECTED',
      status: 401,
      error: 'invalid_client',
      errorDescription: 'Unknown client.',
    });
  });

  it.each([400, 404, 405, 429, 500, 503])(
    'is a rejection with its status for %d, whatever the body',
    async (status) => {
      const { provider } = setUp([new Response('<html>oops</html>', { status })]);
      const error = await failureOf(provider.getAccessToken());
      expect(error).toMatchObject({ code: 'ERR_TOKEN_REJECTED', status });
      expect(error.message).not.toContain('<html>');
    },
  );

  it.each([
    ['no access_token', Response.json({ token_type: 'Bearer' }), 'access_token'],
    ['an empty access_token', Response.json({ access_token: '' }), 'access_token'],
    ['an access_token that is no string', Response.json({ access_token: 42 }), 'access_token'],
    ['an access_token that breaks a header', Response.json({ access_token: 'leak-a\r\nleak-b' }), 'header'],
    ['another token_type', Response.json({ access_token: 't', token_type: 'DPoP' }), 'token_type'],
    ['HTML', new Response('<html>leak-a</html>', { headers: { 'content-type': 'text/html' } }), 'JSON'],
    ['an empty body', new Response(''), 'JSON'],
    ['no body', new Response(null, { status: 204 }), 'JSON'],
    ['truncated JSON', new Response('{"access_token":"leak-a'), 'JSON'],
    ['a JSON array', Response.json(['leak-a']), 'JSON'],
    ['JSON null', new Response('null'), 'JSON'],
    ['more than 64 KiB', Response.json({ access_token: 'x'.repeat(70_000) }), '64 KiB'],
  ])('calls a 2xx answer with %s malformed', async (_, answer, words) => {
    const { provider } = setUp([answer]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ name: 'TokenMalformedError', code: 'ERR_TOKEN_MALFORMED' });
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('leak-');
  });

  it('accepts no token_type and any case of Bearer', async () => {
    for (const more of [{ token_type: undefined }, { token_type: 'bearer' }, { token_type: 'BEARER' }]) {
      const { provider } = setUp([tokenAnswer('t1', more)]);
      expect(await provider.getAccessToken()).toBe('t1');
    }
  });

  it('says why the network failed', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const { provider } = setUp([new TypeError('fetch failed', { cause: refused })]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ name: 'TokenTransportError', code: 'ERR_TOKEN_TRANSPORT' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('gives up after timeoutMs, even where fetch does not heed its signal', async () => {
    const { provider } = setUp([new Promise<Response>(() => undefined), tokenAnswer('t1')], {
      timeoutMs: 500,
    });
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(500);
    const error = await failure;
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_TRANSPORT',
      cause: { name: 'TimeoutError', code: 'ETIMEDOUT' },
    });
    expect(error.message).toContain('500 ms');
    expect(await provider.getAccessToken()).toBe('t1');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up on a body that never ends', async () => {
    const endless = new Response(
      new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([123])) }),
    );
    const { provider } = setUp([Promise.resolve(endless)], { timeoutMs: 500 });
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(500);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });
});

import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineConfig, defineLimit } from '../index.ts';
import { createConfigClient } from '../server.ts';
import { deferred, failureOf, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('errors', () => {
  it('carry the fields of RFC 6749 §5.2', async () => {
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

  it.each([
    [302, 'set authUrl to the URL it leads to'],
    [400, "Check the client's settings at the issuer."],
    [401, 'Check the client id and secret.'],
    [404, 'Check that authUrl is the OAuth issuer.'],
    [408, 'Try again later.'],
    [429, 'Try again later.'],
    [503, 'Try again later.'],
  ])('say what to do about %d', async (status, remedy) => {
    const { provider } = setUp([new Response('', { status })]);
    expect((await failureOf(provider.getAccessToken())).message).toContain(remedy);
  });

  it('of the default issuer say how to set another one', async () => {
    const fetch = () => Promise.resolve(new Response('', { status: 404 }));
    const client = createConfigClient({
      config: defineConfig({ limits: { cartItems: defineLimit({ default: 1 }) } }),
      apiUrl: 'https://config.example.com',
      authUrl: '',
      organizationId: 'org-1',
      clientId: 'client-1',
      clientSecret: 'a-secret-of-this-test',
      fetch,
    });
    const { message } = await failureOf(client.ready());
    await client.close();
    expect(message).toContain("set SMOOAI_CONFIG_AUTH_URL (authUrl) to that server's URL");
    expect(message).not.toContain('a-secret');
    const { provider } = setUp([new Response('', { status: 404 })]);
    expect((await failureOf(provider.getAccessToken())).message).not.toContain('SMOOAI_CONFIG_AUTH_URL');
  });

  it.each([400, 404, 405, 429, 500, 503])('have the status %d, whatever the body', async (status) => {
    const { provider } = setUp([new Response('<html>oops</html>', { status })]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ code: 'ERR_TOKEN_REJECTED', status });
    expect(error.message).not.toContain('<html>');
  });

  it.each([
    ['no access_token', Response.json({ token_type: 'Bearer' }), 'has no access_token'],
    ['an empty access_token', Response.json({ access_token: '' }), 'has no access_token'],
    ['an access_token of null', Response.json({ access_token: null }), 'has no access_token'],
    ['an access_token that is not a string', Response.json({ access_token: 42 }), 'header'],
    [
      'an access_token that is invalid in a header',
      Response.json({ access_token: 'leak-a\r\nleak-b' }),
      'header',
    ],
    ['another token_type', Response.json({ access_token: 't', token_type: 'DPoP' }), 'token_type'],
    ['HTML', new Response('<html>leak-a</html>', { headers: { 'content-type': 'text/html' } }), 'JSON'],
    ['an empty body', new Response(''), 'JSON'],
    ['no body', new Response(null, { status: 204 }), 'JSON'],
    ['truncated JSON', new Response('{"access_token":"leak-a'), 'JSON'],
    ['a JSON array', Response.json(['leak-a']), 'JSON'],
    ['JSON null', new Response('null'), 'JSON'],
    ['more than 64 KiB', Response.json({ access_token: 'x'.repeat(70_000) }), '64 KiB'],
  ])('call a 2xx response with %s malformed', async (_, response, words) => {
    const { provider } = setUp([response]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ name: 'TokenMalformedError', code: 'ERR_TOKEN_MALFORMED' });
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('leak-');
  });

  it('are thrown for a response above 64 KiB, to the byte', async () => {
    const body = (bytes: number): Response => {
      const empty = JSON.stringify({ access_token: 't1', padding: '' });
      return new Response(empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`));
    };
    expect(await setUp([body(65_536)]).provider.getAccessToken()).toBe('t1');
    const error = await failureOf(setUp([body(65_537)]).provider.getAccessToken());
    expect(error).toMatchObject({ reason: 'too-large' });
  });

  it('are not thrown for a missing token_type, or Bearer in any case', async () => {
    for (const token_type of [undefined, null, 'bearer', 'BEARER']) {
      const { provider } = setUp([tokenResponse('t1', { token_type })]);
      expect(await provider.getAccessToken()).toBe('t1');
    }
  });

  it.each([
    ['https://auth.example.com/errors/7', 'https://auth.example.com/errors/7'],
    ['https://me:pw@auth.example.com/', undefined],
    ['javascript:alert(1)', undefined],
    [7, undefined],
  ])('read the error_uri %s as %s', async (uri, errorUri) => {
    const { provider } = setUp([Response.json({ error: 'invalid_client', error_uri: uri }, { status: 401 })]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toHaveProperty('errorUri', errorUri);
  });

  it('say why the network failed', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const { provider } = setUp([new TypeError('fetch failed', { cause: refused })]);
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ name: 'TokenTransportError', code: 'ERR_TOKEN_TRANSPORT' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('are thrown after timeoutMs, even if fetch ignores its signal', async () => {
    const { provider } = setUp([new Promise<Response>(() => undefined), tokenResponse('t1')], {
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

  it('are thrown if a body never ends', async () => {
    const endless = new Response(
      new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([123])) }),
    );
    const { provider } = setUp([Promise.resolve(endless)], { timeoutMs: 500 });
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(500);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });
});

const refusal = (status: number, error: string, headers: Record<string, string> = {}): Response =>
  Response.json({ error }, { status, headers });

describe('the reason of a TokenTransportError', () => {
  it.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['ECONNREFUSED', 'refused'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['ETIMEDOUT', 'timeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'reset'],
    ['EHOSTUNREACH', 'network'],
  ])('for %s is %s', async (code, reason) => {
    const cause = Object.assign(new Error('it failed'), { code });
    const { provider } = setUp([new TypeError('fetch failed', { cause })]);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ reason, cause: { code } });
  });

  it('is found in errors of another realm', async () => {
    const thrown: Error = runInNewContext(
      `new TypeError('fetch failed', { cause: Object.assign(new Error('it failed'), { code: 'ECONNREFUSED' }) })`,
    );
    expect(thrown).not.toBeInstanceOf(Error);
    const { provider, fetch } = setUp([]);
    fetch.mockRejectedValue(thrown);
    expect(await failureOf(provider.getAccessToken())).toMatchObject({ reason: 'refused' });
  });
});

describe('retries', () => {
  it.each<[string, Response | Error]>([
    ['a network that fails', new TypeError('fetch failed')],
    ...[408, 429, 500, 502, 503, 504].map((status): [string, Response] => [
      `a ${status}`,
      new Response('', { status }),
    ]),
  ])('follow %s, once for all callers', async (_, failure) => {
    const { provider, fetch } = setUp([failure, failure, tokenResponse('t1')], { maxAttempts: 4 });
    const calls = Promise.all(Array.from({ length: 100 }, () => provider.getAccessToken()));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(new Set(await calls)).toEqual(new Set(['t1']));
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it.each<[string, Response | Error]>([
    ...['invalid_client', 'invalid_scope', 'unauthorized_client', 'invalid_request'].flatMap(
      (error): [string, Response][] => [
        [`400 ${error}`, refusal(400, error)],
        [`503 ${error}`, refusal(503, error, { 'retry-after': '5' })],
      ],
    ),
    ['a 403', new Response('', { status: 403 })],
    ['a redirect', new Response('', { status: 302 })],
    ['HTML', new Response('<html>')],
    [
      'a certificate that has expired',
      new TypeError('failed', { cause: Object.assign(new Error(''), { code: 'CERT_HAS_EXPIRED' }) }),
    ],
  ])('never follow %s', async (_, failure) => {
    const { provider, fetch } = setUp([failure], { maxAttempts: 4 });
    await failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('come after random, growing waits', async () => {
    const gaps = new Set<number>();
    for (let run = 0; run < 10; run++) {
      const { provider, fetch } = setUp([new TypeError('fetch failed')], { maxAttempts: 3 });
      const startedAt: number[] = [];
      fetch.mockImplementation(async () => {
        startedAt.push(performance.now());
        throw new TypeError('fetch failed');
      });
      const failure = failureOf(provider.getAccessToken());
      await vi.advanceTimersByTimeAsync(10_000);
      await failure;
      const [first = 0, second = 0, third = 0] = startedAt;
      for (const gap of [second - first, third - second]) {
        expect(gap).toBeGreaterThanOrEqual(100);
        expect(gap).toBeLessThanOrEqual(2_001);
        gaps.add(gap);
      }
    }
    expect(gaps.size).toBeGreaterThan(10);
  });

  it('end at the deadline, also within an attempt', async () => {
    const { provider, fetch } = setUp([], { maxAttempts: 99, timeoutMs: 400, deadlineMs: 1_000 });
    fetch.mockImplementation(() => new Promise(() => undefined));
    const startedAt = performance.now();
    let endedAt = 0;
    const failure = failureOf(provider.getAccessToken()).finally(() => {
      endedAt = performance.now();
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' });
    expect(endedAt - startedAt).toBeLessThanOrEqual(1_001);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a failed refresh', () => {
  it.each<[string, Response | Error]>([
    ['the network fails', new TypeError('fetch failed')],
    ['the server is broken', new Response('', { status: 503 })],
    ['the client is refused', refusal(401, 'invalid_client')],
    ['the response is not a token', new Response('<html>')],
  ])('does not reach callers while the old token is valid, and backs off: %s', async (_, failure) => {
    const { provider, fetch, events } = setUp([tokenResponse('t1'), failure], { maxAttempts: 4 });
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_560_000);
    for (let second = 0; second < 39; second++) {
      expect(await provider.getAccessToken()).toBe('t1');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    // One immediately, then after growing waits of 1 to 30 s.
    expect(fetch.mock.calls.length - 1).toBeGreaterThanOrEqual(3);
    expect(fetch.mock.calls.length - 1).toBeLessThanOrEqual(20);
    expect(provider.status()).toMatchObject({
      token: 'stale',
      servedStale: 39,
      consecutiveFailures: fetch.mock.calls.length - 1,
      lastFailure: { code: expect.stringMatching(/^ERR_TOKEN_/), agoMs: expect.any(Number) },
    });
    const failures = events.filter((event) => event.type === 'exchange-failed');
    expect(failures).toHaveLength(fetch.mock.calls.length - 1);
    expect(failures[0]).toMatchObject({ isBackground: true, attempt: 1, retryInMs: undefined });
    expect(events.filter(({ type }) => type === 'served-stale').length).toBeLessThanOrEqual(
      failures.length + 1,
    );
  });

  it('is retried soon again once an exchange has succeeded', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const { provider, fetch } = setUp([tokenResponse('t1'), new TypeError('fetch failed')]);
    const callFor = async (seconds: number): Promise<void> => {
      for (let call = 0; call < seconds * 4; call++) {
        await provider.getAccessToken().catch(() => undefined);
        await vi.advanceTimersByTimeAsync(250);
      }
    };
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(3_556_000);
    await callFor(40);
    // The waits have grown: 3 s, 9 s, 27 s.
    expect(fetch).toHaveBeenCalledTimes(5);
    fetch.mockResolvedValueOnce(tokenResponse('t2'));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await provider.getAccessToken()).toBe('t2');
    await vi.advanceTimersByTimeAsync(3_556_000);
    fetch.mockClear();
    await callFor(4);
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('is retried for callers that wait because the old token has expired', async () => {
    const slow = deferred<Response>();
    const { provider, fetch } = setUp([tokenResponse('t1'), slow.promise, tokenResponse('t2')], {
      maxAttempts: 2,
      timeoutMs: 60_000,
    });
    await provider.getAccessToken();
    vi.advanceTimersByTime(3_595_000);
    await provider.getAccessToken();
    vi.advanceTimersByTime(5_000);
    const waiting = provider.getAccessToken();
    slow.resolve(new Response('', { status: 503 }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await waiting).toBe('t2');
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('is passed to waitUntil as a promise that never rejects', async () => {
    const works: Promise<unknown>[] = [];
    const { provider } = setUp([tokenResponse('t1'), new TypeError('fetch failed')], {
      waitUntil: (work) => {
        works.push(work);
        throw new Error('the request is over');
      },
    });
    await provider.getAccessToken();
    expect(works).toHaveLength(0);
    vi.advanceTimersByTime(3_560_000);
    expect(await provider.getAccessToken()).toBe('t1');
    expect(await Promise.all(works)).toEqual([undefined]);
  });
});

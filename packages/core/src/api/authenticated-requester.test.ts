import { describe, expect, it, vi } from 'vitest';
import type { ConfigError } from '../errors.ts';
import { fakeTimersInEach, fakeTokens } from '../test-support/request-fixture.ts';
import { AuthenticatedRequester, type RequesterOptions } from './authenticated-requester.ts';
import type { ApiRequest } from './request-target.ts';

type Answer = Response | Error | Promise<Response>;

interface Sent {
  url: string;
  headers: Headers;
  atMs: number;
}

/** A requester whose fetch gives these answers in turn; anything above them fails the test. */
function setUp(answers: Answer[], options: Partial<RequesterOptions> = {}) {
  const sent: Sent[] = [];
  const startedAt = performance.now();
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    sent.push({ url, headers: new Headers(init?.headers), atMs: performance.now() - startedAt });
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`There is no answer ${sent.length}.`);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const tokenProvider = fakeTokens();
  const requester = new AuthenticatedRequester({
    apiUrl: 'https://api.example.com/base/',
    tokenProvider,
    fetch,
    ...options,
  });
  return { requester, sent, tokenProvider, left: answers };
}

async function failureOf(work: Promise<unknown>): Promise<ConfigError & Record<string, unknown>> {
  const settled = work.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  const error = await settled;
  if (error instanceof Error && 'code' in error) return error as ConfigError & Record<string, unknown>;
  throw error;
}

async function answerOf(work: Promise<{ body: unknown }>): Promise<unknown> {
  const settled = Promise.allSettled([work]);
  await vi.runAllTimersAsync();
  const [outcome] = await settled;
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value.body;
}

const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const down = (): Error => new TypeError('fetch failed', { cause: reset });
const answered = (status: number, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ message: 'not now' }), { status, headers });
const never = (): Promise<Response> => new Promise(() => undefined);
const get: ApiRequest = { method: 'GET', path: ['things'] };

fakeTimersInEach();

describe('what is sent', () => {
  it('puts the token over any authorization of the caller, however it is written', async () => {
    const { requester, sent } = setUp([Response.json({})]);
    const headers = { Authorization: 'Bearer mine', AUTHORIZATION: 'Basic bWluZQ==', 'x-trace': '1' };
    await requester.json({ method: 'POST', path: ['things'], body: {}, headers });
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer token-1');
    expect(sent[0]?.headers.get('x-trace')).toBe('1');
    expect(sent[0]?.headers.get('content-type')).toBe('application/json');
  });

  it.each([
    ['a/b', '/a%2Fb'],
    ['../..', '/..%2F..'],
    ['a\\b', '/a%5Cb'],
    ['%2e%2e', '/%252e%252e'],
    ['a?b#c', '/a%3Fb%23c'],
    ['größe €', '/gr%C3%B6%C3%9Fe%20%E2%82%AC'],
    ['...', '/...'],
    ['\0', '/%00'],
  ])('keeps the part %j one part', async (part, expected) => {
    const { requester, sent } = setUp([Response.json({})]);
    await requester.json({ method: 'GET', path: ['things', part, 'end'] });
    expect(sent[0]?.url).toBe(`https://api.example.com/base/things${expected}/end`);
    expect(new URL(sent[0]?.url ?? '').pathname).toBe(`/base/things${expected}/end`);
  });

  it.each(['', '.', '..', '\ud800', undefined as unknown as string])('refuses the part %j', async (part) => {
    const { requester, sent, tokenProvider } = setUp([]);
    const error = await failureOf(requester.json({ method: 'GET', path: ['things', part] }));
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'path' });
    expect(sent).toEqual([]);
    expect(tokenProvider.getAccessToken).not.toHaveBeenCalled();
  });

  it.each<[string, Partial<ApiRequest>]>([
    ['body', { body: { amount: 1n } }],
    ['body', { body: () => 'text' }],
    ['headers', { headers: { 'x-trace': 'one\r\nx-evil: two' } }],
    ['headers', { headers: { 'x trace': 'one' } }],
    ['headers', { headers: { 'x-trace': '€' } }],
    ['retries', { retries: -1 }],
    ['retries', { retries: 0.5 }],
  ])('refuses a %s that cannot be sent', async (option, wrong) => {
    const { requester, sent } = setUp([]);
    expect(await failureOf(requester.json({ ...get, ...wrong }))).toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      option,
    });
    expect(sent).toEqual([]);
  });

  it.each<[string, Partial<RequesterOptions>]>([
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }],
    ['headersTimeoutMs', { headersTimeoutMs: 2 ** 31 }],
    ['deadlineMs', { deadlineMs: -1 }],
    ['retries', { retries: Number.NaN }],
    ['maxAnswerBytes', { maxAnswerBytes: 0 }],
  ])('refuses the option %s %j', (option, wrong) => {
    expect(() => setUp([], wrong)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option }));
  });
});

describe('retries', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE'] as const)('%s after each passing failure', async (method) => {
    for (const failure of [down(), answered(408), answered(502), answered(503), answered(504)]) {
      const { requester, left } = setUp([failure, Response.json({ ok: true })]);
      expect(await answerOf(requester.json({ method, path: ['things'] }))).toEqual({ ok: true });
      expect(left).toEqual([]);
    }
  });

  it.each(['POST', 'PATCH'] as const)('never %s', async (method) => {
    for (const failure of [down(), answered(408), answered(429, { 'retry-after': '1' }), answered(503)]) {
      const { requester, sent } = setUp([failure, Response.json({})]);
      await failureOf(requester.json({ method, path: ['things'], body: {} }));
      expect(sent).toHaveLength(1);
    }
  });

  it('never what would be answered alike', async () => {
    for (const status of [400, 403, 404, 409, 413, 429, 500, 501]) {
      const { requester, sent } = setUp([answered(status), Response.json({})]);
      expect(await failureOf(requester.json(get))).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
      expect(sent).toHaveLength(1);
    }
    const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
    const { requester, sent } = setUp([new TypeError('fetch failed', { cause: expired })]);
    expect(await failureOf(requester.json(get))).toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
      reason: 'tls',
    });
    expect(sent).toHaveLength(1);
  });

  it('twice by default, as often as told, and says how often it tried', async () => {
    const standard = setUp([down(), down(), down()]);
    const error = await failureOf(standard.requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'reset' });
    expect(error.message).toContain('failed after 3 attempts: read ECONNRESET');
    const none = setUp([answered(503)], { retries: 0 });
    expect(await failureOf(none.requester.json(get))).toMatchObject({ status: 503 });
    const perCall = setUp([down(), down(), down(), down(), Response.json(1)], { retries: 0 });
    expect(await answerOf(perCall.requester.json({ ...get, retries: 4 }))).toBe(1);
  });

  it('waits longer each time, within the bounds of decorrelated jitter', async () => {
    const { requester, sent } = setUp([down(), down(), down(), down(), Response.json(1)], { retries: 4 });
    await answerOf(requester.json(get));
    const waits = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index]?.atMs ?? 0));
    let most = 100;
    for (const wait of waits) {
      most *= 3;
      expect(wait).toBeGreaterThanOrEqual(99);
      expect(wait).toBeLessThanOrEqual(most + 1);
    }
  });

  it.each([
    ['seconds', () => '7'],
    ['an HTTP date', () => new Date(Date.now() + 7_000).toUTCString()],
  ])('waits as long as Retry-After in %s asks', async (_, header) => {
    vi.setSystemTime(1_800_000_000_000);
    for (const status of [429, 503]) {
      const { requester, sent } = setUp([answered(status, { 'retry-after': header() }), Response.json({})]);
      await answerOf(requester.json(get));
      expect(sent[1]?.atMs).toBeGreaterThanOrEqual(6_999);
      expect(sent[1]?.atMs).toBeLessThan(8_000);
    }
  });

  it('fails at once where Retry-After is beyond the deadline, and tells it', async () => {
    const { requester, sent } = setUp([answered(429, { 'retry-after': '31' })]);
    const startedAt = performance.now();
    expect(await failureOf(requester.json(get))).toMatchObject({ status: 429, retryAfterMs: 31_000 });
    expect(performance.now() - startedAt).toBe(0);
    expect(sent).toHaveLength(1);
  });

  it('does not take nonsense for a Retry-After', async () => {
    for (const header of ['-1', 'soon', '', '7 apples']) {
      const { requester } = setUp([answered(429, { 'retry-after': header })]);
      const error = await failureOf(requester.json(get));
      expect(error).toMatchObject({ status: 429, retryAfterMs: undefined });
    }
  });

  it('counts a DELETE as done that is 404 after an answer was lost, and only then', async () => {
    const remove: ApiRequest = { method: 'DELETE', path: ['things', '1'] };
    for (const lost of [down(), answered(504)]) {
      const { requester } = setUp([lost, answered(404)]);
      expect(await answerOf(requester.json(remove))).toBeUndefined();
    }
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    for (const unheard of [answered(503), new TypeError('fetch failed', { cause: refused })]) {
      const { requester } = setUp([unheard, answered(404)]);
      expect(await failureOf(requester.json(remove))).toMatchObject({ status: 404 });
    }
    const { requester } = setUp([down(), answered(404)]);
    expect(await failureOf(requester.json(get))).toMatchObject({ status: 404 });
  });

  it('spends the one refresh apart from the retries', async () => {
    const { requester, sent, tokenProvider } = setUp([
      answered(503),
      answered(401),
      down(),
      Response.json('done'),
    ]);
    expect(await answerOf(requester.json(get))).toBe('done');
    expect(tokenProvider.invalidate.mock.calls).toEqual([['token-1']]);
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(
      ['token-1', 'token-1', 'token-2', 'token-2'].map((token) => `Bearer ${token}`),
    );
  });

  it('sends a POST once more after a 401, and never a third time', async () => {
    const { requester, sent } = setUp([answered(401), answered(401)]);
    expect(await failureOf(requester.json({ method: 'POST', path: [], body: {} }))).toMatchObject({
      status: 401,
    });
    expect(sent).toHaveLength(2);
  });

  it('never a token exchange: the provider has done that', async () => {
    const { requester, tokenProvider, sent } = setUp([]);
    tokenProvider.getAccessToken.mockRejectedValue(new Error('no network, says hunter2'));
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    expect(error.message).not.toContain('hunter2');
    expect(tokenProvider.getAccessToken).toHaveBeenCalledTimes(1);
    expect(sent).toEqual([]);
  });

  it('opens a stream again too', async () => {
    const events = new Response(':\n\n', { headers: { 'content-type': 'text/event-stream' } });
    const { requester, left } = setUp([down(), answered(503), events]);
    const opened = requester.stream(get);
    await vi.runAllTimersAsync();
    expect(await new Response(await opened).text()).toBe(':\n\n');
    expect(left).toEqual([]);
  });
});

describe('limits', () => {
  it('bounds attempts and waits together by the deadline', async () => {
    const { requester, sent } = setUp([never(), never(), never(), never()], {
      timeoutMs: 400,
      deadlineMs: 1_000,
      retries: 9,
    });
    const startedAt = performance.now();
    expect(await failureOf(requester.json(get))).toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
      reason: 'timeout',
    });
    expect(performance.now() - startedAt).toBeLessThanOrEqual(1_001);
    expect(sent.length).toBeGreaterThanOrEqual(2);
  });

  it('bounds the wait for a token by the deadline, and says that it was the token', async () => {
    const { requester, tokenProvider } = setUp([], { deadlineMs: 1_000 });
    tokenProvider.getAccessToken.mockReturnValue(new Promise(() => undefined));
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'timeout' });
    expect(error.message).toContain('no access token within 1000 ms');
  });

  it('gives the headers a time-out of their own, and the body the rest', async () => {
    const limits = { timeoutMs: 10_000, headersTimeoutMs: 500, retries: 0 };
    const silent = setUp([never()], limits);
    const startedAt = performance.now();
    expect(await failureOf(silent.requester.json(get))).toMatchObject({ reason: 'timeout' });
    expect(performance.now() - startedAt).toBe(500);

    const slow = new ReadableStream<Uint8Array>({
      start: (controller) => {
        setTimeout(() => {
          controller.enqueue(new TextEncoder().encode('"late"'));
          controller.close();
        }, 9_000);
      },
    });
    const late = setUp([new Response(slow)], limits);
    expect(await answerOf(late.requester.json(get))).toBe('late');
  });

  it('does not hold a stream to any of them once it is open', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        setTimeout(() => controller.enqueue(new TextEncoder().encode('id: 1\n\n')), 3_600_000);
      },
    });
    const { requester } = setUp([new Response(body, { headers: { 'content-type': 'text/event-stream' } })], {
      timeoutMs: 100,
      deadlineMs: 200,
    });
    const stream = await requester.stream(get);
    const reader = stream.getReader();
    const read = reader.read();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(new TextDecoder().decode((await read).value)).toBe('id: 1\n\n');
    await reader.cancel();
  });

  it('reads no more than maxAnswerBytes', async () => {
    const fits = setUp([new Response(JSON.stringify('x'.repeat(98)))], { maxAnswerBytes: 100 });
    expect(await answerOf(fits.requester.json(get))).toHaveLength(98);
    const above = setUp([new Response(JSON.stringify('x'.repeat(99)))], { maxAnswerBytes: 100 });
    const error = await failureOf(above.requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(error.message).toContain('larger than 100 bytes');
  });
});

describe('aborting', () => {
  it('ends a wait between attempts at once, and sends nothing more', async () => {
    const { requester, sent } = setUp([answered(503, { 'retry-after': '20' })]);
    const controller = new AbortController();
    const settled = Promise.allSettled([requester.json({ ...get, signal: controller.signal })]);
    await vi.advanceTimersByTimeAsync(5_000);
    controller.abort();
    const [outcome] = await settled;
    expect(outcome).toMatchObject({
      reason: { code: 'ERR_REQUEST_TRANSPORT', reason: 'aborted', cause: { name: 'AbortError' } },
    });
    expect(sent).toHaveLength(1);
  });

  it('asks for nothing where the signal is aborted already', async () => {
    const { requester, sent, tokenProvider } = setUp([]);
    const error = await failureOf(requester.json({ ...get, signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ reason: 'aborted' });
    expect(tokenProvider.getAccessToken).not.toHaveBeenCalled();
    expect(sent).toEqual([]);
  });

  it('tells the token provider, and lets go of the signal afterwards', async () => {
    const { requester, tokenProvider } = setUp([Response.json({})]);
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await requester.json({ ...get, signal });
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
    expect(tokenProvider.getAccessToken.mock.calls[0]?.[0]?.signal).toBeInstanceOf(AbortSignal);
  });
});

describe('a token provider of someone else', () => {
  it.each([
    ['no text', 7],
    ['an empty text', ''],
    ['a line break', 'hunter2\nx: y'],
  ])('is refused a token that is %s', async (_, token) => {
    const { requester, tokenProvider, sent } = setUp([]);
    tokenProvider.getAccessToken.mockResolvedValue(token as string);
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_MALFORMED' });
    expect(error.message).not.toContain('hunter2');
    expect(sent).toEqual([]);
  });

  it('may throw at once, and from invalidate', async () => {
    const first = setUp([]);
    first.tokenProvider.getAccessToken.mockImplementation(() => {
      throw new Error('hunter2');
    });
    expect(await failureOf(first.requester.json(get))).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    const second = setUp([answered(401)]);
    second.tokenProvider.invalidate.mockImplementation(() => {
      throw new Error('hunter2');
    });
    expect(await failureOf(second.requester.json(get))).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });
});

import { describe, expect, it, vi } from 'vitest';
import {
  bodyOf,
  errorResponse,
  failureOf,
  fakeTimersInEach,
  setUpRequester,
} from '../test-support/request-fixture.ts';
import type { RequesterOptions } from './authenticated-requester.ts';
import type { ApiRequest } from './request-target.ts';

const never = (): Promise<Response> => new Promise(() => undefined);
const get: ApiRequest = { method: 'GET', path: ['things'] };

fakeTimersInEach();

describe('a request', () => {
  it('has the token in place of any authorization header of the caller', async () => {
    const { requester, sent } = setUpRequester([Response.json({})]);
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
  ])('has the path segment %j encoded', async (segment, expected) => {
    const { requester, sent } = setUpRequester([Response.json({})]);
    await requester.json({ method: 'GET', path: ['things', segment, 'end'] });
    expect(sent[0]?.url).toBe(`https://api.example.com/base/things${expected}/end`);
    expect(new URL(sent[0]?.url ?? '').pathname).toBe(`/base/things${expected}/end`);
  });

  it.each(['', '.', '..', '\ud800', undefined as unknown as string])(
    'is refused for the path segment %j',
    async (segment) => {
      const { requester, sent, tokenProvider } = setUpRequester([]);
      const error = await failureOf(requester.json({ method: 'GET', path: ['things', segment] }));
      expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'path' });
      expect(sent).toEqual([]);
      expect(tokenProvider.getAccessToken).not.toHaveBeenCalled();
    },
  );

  it.each<[string, Partial<ApiRequest>]>([
    ['body', { body: { amount: 1n } }],
    ['body', { body: () => 'text' }],
    ['query', { query: { environment: '\ud800' } }],
    ['headers', { headers: { 'x-trace': 'one\r\nx-evil: two' } }],
    ['headers', { headers: { 'x trace': 'one' } }],
    ['headers', { headers: { 'x-trace': '€' } }],
    ['retries', { retries: -1 }],
    ['retries', { retries: 0.5 }],
  ])('is refused if its %s is invalid', async (option, wrong) => {
    const { requester, sent } = setUpRequester([]);
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
    ['maxResponseBytes', { maxResponseBytes: 0 }],
  ])('needs a valid option %s, not %j', (option, wrong) => {
    expect(() => setUpRequester([], wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option }),
    );
  });
});

describe('time and size limits', () => {
  it('apply the deadline to all attempts and waits together', async () => {
    const { requester, sent } = setUpRequester([never(), never(), never(), never()], {
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

  it('apply the deadline to the wait for a token, and say so', async () => {
    const { requester, tokenProvider } = setUpRequester([], { deadlineMs: 1_000 });
    tokenProvider.getAccessToken.mockReturnValue(new Promise(() => undefined));
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'timeout' });
    expect(error.message).toContain('no access token within 1000 ms');
  });

  it('apply headersTimeoutMs to the headers, and timeoutMs to the body', async () => {
    const limits = { timeoutMs: 10_000, headersTimeoutMs: 500, retries: 0 };
    const silent = setUpRequester([never()], limits);
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
    const late = setUpRequester([new Response(slow)], limits);
    expect(await bodyOf(late.requester.json(get))).toBe('late');
  });

  it('do not apply to an open stream', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        setTimeout(() => controller.enqueue(new TextEncoder().encode('id: 1\n\n')), 3_600_000);
      },
    });
    const { requester } = setUpRequester(
      [new Response(body, { headers: { 'content-type': 'text/event-stream' } })],
      {
        timeoutMs: 100,
        deadlineMs: 200,
      },
    );
    const stream = await requester.stream(get);
    const reader = stream.getReader();
    const read = reader.read();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(new TextDecoder().decode((await read).value)).toBe('id: 1\n\n');
    await reader.cancel();
  });

  it('refuse a response above maxResponseBytes', async () => {
    const within = setUpRequester([new Response(JSON.stringify('x'.repeat(98)))], { maxResponseBytes: 100 });
    expect(await bodyOf(within.requester.json(get))).toHaveLength(98);
    const above = setUpRequester([new Response(JSON.stringify('x'.repeat(99)))], { maxResponseBytes: 100 });
    const error = await failureOf(above.requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(error.message).toContain('larger than 100 bytes');
  });
});

describe('a stream whose response is not an event stream', () => {
  it.each(['text/html', 'application/json', ''])('of type "%s" is cancelled', async (type) => {
    const cancelled = vi.fn();
    const body = new ReadableStream<Uint8Array>({
      // A page that never ends.
      start: (controller) => controller.enqueue(new TextEncoder().encode('<html>')),
      cancel: cancelled,
    });
    const { requester } = setUpRequester([new Response(body, { headers: { 'content-type': type } })]);
    expect(await failureOf(requester.stream(get))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(cancelled).toHaveBeenCalledTimes(1);
  });
});

describe('aborting', () => {
  it('ends a wait between attempts at once, and sends nothing more', async () => {
    const { requester, sent } = setUpRequester([errorResponse(503, { 'retry-after': '20' })]);
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

  it('prevents the request and the token exchange if it comes first', async () => {
    const { requester, sent, tokenProvider } = setUpRequester([]);
    const error = await failureOf(requester.json({ ...get, signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ reason: 'aborted' });
    expect(tokenProvider.getAccessToken).not.toHaveBeenCalled();
    expect(sent).toEqual([]);
  });

  it('is passed on to the token provider, and leaves no listener behind', async () => {
    const { requester, tokenProvider } = setUpRequester([Response.json({})]);
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await requester.json({ ...get, signal });
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
    expect(tokenProvider.getAccessToken.mock.calls[0]?.[0]?.signal).toBeInstanceOf(AbortSignal);
  });
});

describe('a custom token provider', () => {
  it.each([
    ['a number', 7],
    ['an empty string', ''],
    ['a string with a line break', 'hunter2\nx: y'],
  ])('may not return %s', async (_, token) => {
    const { requester, tokenProvider, sent } = setUpRequester([]);
    tokenProvider.getAccessToken.mockResolvedValue(token as string);
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_MALFORMED' });
    expect(error.message).not.toContain('hunter2');
    expect(sent).toEqual([]);
  });

  it('may throw synchronously, also from invalidate', async () => {
    const first = setUpRequester([]);
    first.tokenProvider.getAccessToken.mockImplementation(() => {
      throw new Error('hunter2');
    });
    expect(await failureOf(first.requester.json(get))).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    const second = setUpRequester([errorResponse(401)]);
    second.tokenProvider.invalidate.mockImplementation(() => {
      throw new Error('hunter2');
    });
    expect(await failureOf(second.requester.json(get))).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });
});

import { describe, expect, it, vi } from 'vitest';
import {
  bodyOf,
  errorResponse,
  failureOf,
  fakeTimersInEach,
  networkError,
  setUpRequester,
} from '../test-support/request-fixture.ts';
import type { ApiRequest } from './request-target.ts';

const get: ApiRequest = { method: 'GET', path: ['things'] };

fakeTimersInEach();

describe('retries', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE'] as const)(
    'send a %s again after each transient failure',
    async (method) => {
      for (const failure of [
        networkError(),
        errorResponse(408),
        errorResponse(502),
        errorResponse(503),
        errorResponse(504),
      ]) {
        const { requester, left } = setUpRequester([failure, Response.json({ ok: true })]);
        expect(await bodyOf(requester.json({ method, path: ['things'] }))).toEqual({ ok: true });
        expect(left).toEqual([]);
      }
    },
  );

  it.each(['POST', 'PATCH'] as const)('never send a %s again', async (method) => {
    for (const failure of [
      networkError(),
      errorResponse(408),
      errorResponse(429, { 'retry-after': '1' }),
      errorResponse(503),
    ]) {
      const { requester, sent } = setUpRequester([failure, Response.json({})]);
      await failureOf(requester.json({ method, path: ['things'], body: {} }));
      expect(sent).toHaveLength(1);
    }
  });

  it('do not follow a failure that would repeat', async () => {
    for (const status of [400, 403, 404, 409, 413, 429, 500, 501]) {
      const { requester, sent } = setUpRequester([errorResponse(status), Response.json({})]);
      expect(await failureOf(requester.json(get))).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
      expect(sent).toHaveLength(1);
    }
    const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
    const { requester, sent } = setUpRequester([new TypeError('fetch failed', { cause: expired })]);
    expect(await failureOf(requester.json(get))).toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
      reason: 'tls',
    });
    expect(sent).toHaveLength(1);
  });

  it('number two by default, and are counted in the error', async () => {
    const standard = setUpRequester([networkError(), networkError(), networkError()]);
    const error = await failureOf(standard.requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'reset' });
    expect(error.message).toContain('failed after 3 attempts: read ECONNRESET');
    const none = setUpRequester([errorResponse(503)], { retries: 0 });
    expect(await failureOf(none.requester.json(get))).toMatchObject({ status: 503 });
    const perCall = setUpRequester(
      [networkError(), networkError(), networkError(), networkError(), Response.json(1)],
      { retries: 0 },
    );
    expect(await bodyOf(perCall.requester.json({ ...get, retries: 4 }))).toBe(1);
  });

  it('come after growing waits, within the bounds of decorrelated jitter', async () => {
    const { requester, sent } = setUpRequester(
      [networkError(), networkError(), networkError(), networkError(), Response.json(1)],
      { retries: 4 },
    );
    await bodyOf(requester.json(get));
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
  ])('wait for a Retry-After in %s', async (_, header) => {
    vi.setSystemTime(1_800_000_000_000);
    for (const status of [429, 503]) {
      const { requester, sent } = setUpRequester([
        errorResponse(status, { 'retry-after': header() }),
        Response.json({}),
      ]);
      await bodyOf(requester.json(get));
      expect(sent[1]?.atMs).toBeGreaterThanOrEqual(6_999);
      expect(sent[1]?.atMs).toBeLessThan(8_000);
    }
  });

  it('are not made if Retry-After is beyond the deadline', async () => {
    const { requester, sent } = setUpRequester([errorResponse(429, { 'retry-after': '31' })]);
    const startedAt = performance.now();
    expect(await failureOf(requester.json(get))).toMatchObject({ status: 429, retryAfterMs: 31_000 });
    expect(performance.now() - startedAt).toBe(0);
    expect(sent).toHaveLength(1);
  });

  it('ignore an invalid Retry-After', async () => {
    for (const header of ['-1', 'soon', '', '7 apples']) {
      const { requester } = setUpRequester([errorResponse(429, { 'retry-after': header })]);
      const error = await failureOf(requester.json(get));
      expect(error).toMatchObject({ status: 429, retryAfterMs: undefined });
    }
  });

  it('treat a 404 as success for a DELETE, but only if an earlier response was lost', async () => {
    const remove: ApiRequest = { method: 'DELETE', path: ['things', '1'] };
    for (const lost of [networkError(), errorResponse(504)]) {
      const { requester } = setUpRequester([lost, errorResponse(404)]);
      expect(await bodyOf(requester.json(remove))).toBeUndefined();
    }
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    for (const unprocessed of [errorResponse(503), new TypeError('fetch failed', { cause: refused })]) {
      const { requester } = setUpRequester([unprocessed, errorResponse(404)]);
      expect(await failureOf(requester.json(remove))).toMatchObject({ status: 404 });
    }
    const { requester } = setUpRequester([networkError(), errorResponse(404)]);
    expect(await failureOf(requester.json(get))).toMatchObject({ status: 404 });
  });

  it('do not count the attempt with a new token', async () => {
    const { requester, sent, tokenProvider } = setUpRequester([
      errorResponse(503),
      errorResponse(401),
      networkError(),
      Response.json('done'),
    ]);
    expect(await bodyOf(requester.json(get))).toBe('done');
    expect(tokenProvider.invalidate.mock.calls).toEqual([['token-1']]);
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(
      ['token-1', 'token-1', 'token-2', 'token-2'].map((token) => `Bearer ${token}`),
    );
  });

  it('send a POST once more after a 401, and never a third time', async () => {
    const { requester, sent } = setUpRequester([errorResponse(401), errorResponse(401)]);
    expect(await failureOf(requester.json({ method: 'POST', path: [], body: {} }))).toMatchObject({
      status: 401,
    });
    expect(sent).toHaveLength(2);
  });

  it('do not repeat a token exchange, which the provider retries itself', async () => {
    const { requester, tokenProvider, sent } = setUpRequester([]);
    tokenProvider.getAccessToken.mockRejectedValue(new Error('no network, says hunter2'));
    const error = await failureOf(requester.json(get));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    expect(error.message).not.toContain('hunter2');
    expect(tokenProvider.getAccessToken).toHaveBeenCalledTimes(1);
    expect(sent).toEqual([]);
  });

  it('apply to opening a stream too', async () => {
    const events = new Response(':\n\n', { headers: { 'content-type': 'text/event-stream' } });
    const { requester, left } = setUpRequester([networkError(), errorResponse(503), events]);
    const opened = requester.stream(get);
    await vi.runAllTimersAsync();
    expect(await new Response(await opened).text()).toBe(':\n\n');
    expect(left).toEqual([]);
  });
});

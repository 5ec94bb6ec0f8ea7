import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf, settle, setUp, tokenAnswer } from './test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
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

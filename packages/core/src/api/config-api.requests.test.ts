import { describe, expect, it, vi } from 'vitest';
import { OptionsError } from '../index.ts';
import { type AccessTokenSource, ConfigApi } from '../server.ts';
import { CONFIG, failureOf, setUp } from '../test-support/config-api-fixture.ts';
import { fakeTimersInEach } from '../test-support/request-fixture.ts';

fakeTimersInEach();

describe('authentication', () => {
  it('invalidates a refused token and sends the request once more', async () => {
    const { api, sent, tokenProvider } = setUp([
      new Response(null, { status: 401 }),
      Response.json({ values: {} }),
    ]);
    await api.listValues('prod');
    expect(tokenProvider.invalidate.mock.calls).toEqual([['token-1']]);
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  it('sends the body of a write again', async () => {
    const { api, sent } = setUp([new Response(null, { status: 401 }), Response.json({ id: 'e' })]);
    await api.createEnvironment({ name: 'qa' });
    expect(sent.map(({ body }) => body)).toEqual([{ name: 'qa' }, { name: 'qa' }]);
  });

  it('gives up after the second refusal', async () => {
    const { api, sent, tokenProvider } = setUp([
      Response.json({ message: 'Who are you?' }, { status: 401 }),
      Response.json({ message: 'Still unknown.' }, { status: 401 }),
    ]);
    const error = await failureOf(api.listValues('prod'));
    expect(error).toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 401,
      serverMessage: 'Still unknown.',
    });
    expect(tokenProvider.invalidate).toHaveBeenCalledTimes(1);
    expect(sent).toHaveLength(2);
  });

  it('passes on errors of this package from the token provider, and hides the message of others', async () => {
    const { api, tokenProvider } = setUp([Response.json({ values: {} })]);
    tokenProvider.getAccessToken.mockRejectedValueOnce(new OptionsError('clientId', 'empty'));
    expect(await failureOf(api.listValues('prod'))).toMatchObject({ code: 'ERR_OPTIONS_INVALID' });
    tokenProvider.getAccessToken.mockRejectedValueOnce(new Error('secret hunter2 was refused'));
    const error = await failureOf(api.listValues('prod'));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
    expect(error.message).not.toContain('hunter2');
  });

  it('does not repeat a request that would fail again', async () => {
    for (const status of [400, 403, 404, 409, 429, 500]) {
      const { api, sent } = setUp([new Response('no', { status })]);
      expect(await failureOf(api.listSchemas())).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
      expect(sent).toHaveLength(1);
    }
  });

  it.each([
    [{ apiUrl: 'http://config.example.com' }, 'apiUrl'],
    [{ apiUrl: 'https://me:pw@config.example.com' }, 'apiUrl'],
    [{ apiUrl: '' }, 'apiUrl'],
    [{ organizationId: ' ' }, 'organizationId'],
    [{ tokenProvider: {} as AccessTokenSource }, 'tokenProvider'],
    [{ timeoutMs: -1 }, 'timeoutMs'],
  ])('refuses the options %j', (wrong, option) => {
    const { tokenProvider } = setUp([]);
    const make = () =>
      new ConfigApi({ apiUrl: 'https://c.example', organizationId: 'o', tokenProvider, ...wrong });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option }));
  });
});

describe('errors', () => {
  it('keep only the message, the cause and the lists of a 409', async () => {
    const body = {
      message: 'Stored values do not fit.',
      cause: 'theme: must be string',
      invalidValues: [{ key: 'theme', environment: 'prod', message: 'must be string', value: 'leak-1' }],
      keys: ['theme'],
      request: { authorization: 'leak-2' },
      stack: 'leak-3',
    };
    const { api } = setUp([Response.json(body, { status: 409 })]);
    const error = await failureOf(api.deleteSegment('prod', 'eu'));
    expect(error.body).toEqual({
      message: body.message,
      cause: body.cause,
      invalidValues: [{ key: 'theme', environment: 'prod', message: 'must be string' }],
      keys: ['theme'],
    });
    expect(error.message).toBe(
      'DELETE /organizations/org%201/config/segments/eu returned 409: Stored values do not fit. (theme: must be string)',
    );
  });

  it('drop the lists of any other status', async () => {
    const { api } = setUp([Response.json({ message: 'no', list: ['x'] }, { status: 400 })]);
    expect((await failureOf(api.listSchemas())).body).toEqual({ message: 'no' });
  });

  it('never repeat a secret that was being set', async () => {
    const { api } = setUp([
      Response.json({ message: '"hunter2" and "tr0ub4dor" are too short' }, { status: 400 }),
    ]);
    const error = await failureOf(
      api.setValue({
        schemaId: 's',
        environmentId: 'e',
        key: 'k',
        tier: 'secret',
        value: { a: ['hunter2'], b: 'tr0ub4dor' },
      }),
    );
    expect(error.serverMessage).toBe('"[redacted]" and "[redacted]" are too short');
  });
});

describe('time and size limits', () => {
  it('end a request after timeoutMs', async () => {
    const { api } = setUp([new Promise<Response>(() => undefined)], { timeoutMs: 300, retries: 0 });
    const failure = failureOf(api.listSchemas());
    await vi.advanceTimersByTimeAsync(300);
    expect(await failure).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', cause: { code: 'ETIMEDOUT' } });
  });

  it('end a request when the caller aborts, also during the wait for a token', async () => {
    const { api, tokenProvider, sent } = setUp([new Promise<Response>(() => undefined)]);
    const during = new AbortController();
    const failure = failureOf(api.listSchemas({ signal: during.signal }));
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toHaveLength(1);
    during.abort();
    expect(await failure).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', cause: { name: 'AbortError' } });

    tokenProvider.getAccessToken.mockReturnValueOnce(new Promise(() => undefined));
    const waiting = new AbortController();
    const second = failureOf(api.listSchemas({ signal: waiting.signal }));
    waiting.abort();
    expect(await second).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', cause: { name: 'AbortError' } });
    expect(await failureOf(api.listSchemas({ signal: AbortSignal.abort() }))).toMatchObject({
      cause: { name: 'AbortError' },
    });
    expect(sent).toHaveLength(1);
  });

  it('refuse a response above 16 MiB', async () => {
    const text = 'x'.repeat(1024 * 1024);
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new TextEncoder().encode(text)) });
    const { api } = setUp([new Response(endless)]);
    const error = await failureOf(api.listSchemas());
    expect(error).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(error.message).toContain('16 MiB');
  });
});

describe('openStream', () => {
  const events = (text: string): Response =>
    new Response(text, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });

  it('returns the body as it arrives', async () => {
    const { api, sent } = setUp([events('id: 8\n\n')]);
    const stream = await api.openStream('prod', { lastEventId: '7' });
    expect(await new Response(stream).text()).toBe('id: 8\n\n');
    expect(sent[0]).toMatchObject({
      method: 'GET',
      path: `${CONFIG}/stream`,
      query: { environment: 'prod' },
    });
    expect(sent[0]?.headers.get('accept')).toBe('text/event-stream');
    expect(sent[0]?.headers.get('last-event-id')).toBe('7');
  });

  it('gets a new token once after a 401', async () => {
    const { api, sent } = setUp([new Response(null, { status: 401 }), events(':\n\n')]);
    await new Response(await api.openStream('prod')).text();
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    const refused = setUp([new Response(null, { status: 401 }), new Response(null, { status: 401 })]);
    expect(await failureOf(refused.api.openStream('prod'))).toMatchObject({ status: 401 });
  });

  it('lives longer than timeoutMs, and ends when the signal aborts even if fetch ignores it', async () => {
    const silent = new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } });
    const { api } = setUp([silent], { timeoutMs: 100 });
    const controller = new AbortController();
    const stream = await api.openStream('prod', { signal: controller.signal });
    const reading = failureOf(stream.getReader().read());
    await vi.advanceTimersByTimeAsync(60_000);
    controller.abort();
    expect(await reading).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', cause: { name: 'AbortError' } });
  });

  it('closes the connection and leaves no listener behind when its reader cancels', async () => {
    const cancelled = vi.fn();
    const body = new ReadableStream({ cancel: cancelled });
    const { api } = setUp([new Response(body, { headers: { 'content-type': 'text/event-stream' } })]);
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    await (await api.openStream('prod', { signal })).cancel('enough');
    expect(cancelled).toHaveBeenCalledWith('enough');
    expect(remove).toHaveBeenCalledWith('abort', expect.anything());
  });

  it('fails with an error of this package if the connection breaks', async () => {
    const body = new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated token-1')) });
    const { api } = setUp([new Response(body, { headers: { 'content-type': 'text/event-stream' } })]);
    const error = await failureOf((await api.openStream('prod')).getReader().read());
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT' });
    expect(error.message).toContain('terminated [redacted]');
  });

  it('rejects if the response is not an event stream', async () => {
    const { api } = setUp([
      Response.json({}),
      new Response(null, { status: 204 }),
      Response.json({ message: 'gone' }, { status: 404 }),
    ]);
    expect(await failureOf(api.openStream('prod'))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(await failureOf(api.openStream('prod'))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(await failureOf(api.openStream('prod'))).toMatchObject({ status: 404, serverMessage: 'gone' });
  });
});

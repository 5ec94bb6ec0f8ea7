import { createFetch } from 'ofetch';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isConfigError } from '../errors.ts';
import { ConfigApi, TokenProvider } from '../server.ts';
import { everythingOf, leaksOf } from '../test-support/leak-search.ts';
import { deferred, failureOf, tokenResponse } from '../test-support/token-fixture.ts';
import { HttpExchange, type HttpRequest } from './http-exchange.ts';

// What is between ofetch and this package. The responses come from a given `fetch`.

afterEach(() => {
  vi.useRealTimers();
  vi.doUnmock('ofetch');
  vi.resetModules();
});

const SECRET = 'a-client-secret/of+the=caller';
const TOKEN = 'token-of/the+caller=1';
const STORED = 'a-stored/secret+value=2';
const URL_OF_API = 'https://config.example.com';

const request = (options: Partial<HttpRequest> = {}): HttpRequest => ({
  url: `${URL_OF_API}/base/values`,
  method: 'GET',
  headers: {},
  timeoutMs: 30_000,
  maxBytes: 1_000,
  ...options,
});

/** The arguments of the only call of a `fetch` for a request. */
async function sentBy(options: Partial<HttpRequest>): Promise<{ url: URL; init: RequestInit }> {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => Response.json({}));
  await new HttpExchange(fetch).send(request(options));
  const [[url, init] = []] = fetch.mock.calls;
  return { url: new URL(url as string), init: init ?? {} };
}

describe('a given fetch', () => {
  it('gets the standard options only, with the headers as a plain object', async () => {
    const interceptors = {
      onRequest: ({ options }: { options: { headers: Headers } }) => options.headers.set('b', '2'),
    };
    const { init } = await sentBy({
      method: 'PUT',
      headers: { a: '1' },
      body: 'text',
      query: { q: '1' },
      interceptors,
    });
    expect(init).toEqual({
      method: 'PUT',
      headers: { accept: 'application/json', a: '1', b: '2' },
      body: 'text',
      signal: expect.any(AbortSignal),
      redirect: 'manual',
      cache: 'no-store',
    });
  });

  it('gets the headers of the request in place of the defaults', async () => {
    const { init } = await sentBy({ headers: { accept: 'text/event-stream' } });
    expect(init.headers).toEqual({ accept: 'text/event-stream' });
  });

  it('may read the body as it likes: ofetch does not parse it', async () => {
    for (const text of ['{"a":', '{"__proto__":{"a":1}}', '12345678901234567890', 'true']) {
      const response = new Response(text, { headers: { 'content-type': 'application/json' } });
      expect(await new HttpExchange(async () => response).send(request())).toMatchObject({ text });
    }
  });
});

describe('the query', () => {
  it.each(['ü & + = # / ? % ^ ` | \\ \' " 😀', '', 'a=b&c=d', '%2F', '__proto__', '[]', '1'])(
    'reaches the server as it is: %j',
    async (value) => {
      const { url } = await sentBy({ query: { environment: value, epoch: undefined } });
      expect([...url.searchParams]).toEqual([['environment', value]]);
      expect(url.href).toContain(`${URL_OF_API}/base/values?`);
    },
  );

  it('leaves the path alone', async () => {
    const path = '/a%2Fb/%2e%2e%2f/%20x/c%3Fd';
    const { url } = await sentBy({ url: `${URL_OF_API}${path}`, query: { a: '1' } });
    expect(`${url.pathname}${url.search}`).toBe(`${path}?a=1`);
  });
});

describe("ofetch's errors hold the request, and end inside the package", () => {
  const failing: [string, typeof fetch][] = [
    ['a status', async () => Response.json({ message: 'no' }, { status: 400 })],
    ['a status that is retried', async () => Response.json({ message: 'no' }, { status: 503 })],
    ['a network failure', async () => Promise.reject(new TypeError('fetch failed'))],
    [
      'a body that breaks off',
      async () => new Response(new ReadableStream({ pull: (it) => it.error(new Error('cut')) })),
    ],
    ['no HTTP response', async () => ({}) as Response],
    [
      'a body that is not text',
      async () => ({ status: 200, headers: new Headers(), text: async () => ({ length: 1 }) }) as never,
    ],
    ['a body that is not bytes', async () => new Response(streamOf(STORED))],
  ];

  it('which this search finds in them', async () => {
    const send = createFetch({ fetch: async () => new Response('', { status: 400 }) });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const error: unknown = await failureOf(send(URL_OF_API, { method: 'POST', headers, body: STORED }));
    expect(leaksOf(everythingOf(error), [TOKEN])).not.toEqual([]);
    expect(leaksOf(everythingOf(error), [STORED])).not.toEqual([]);
  });

  it.each(failing)('%s of the token endpoint', async (_, fetch) => {
    const provider = new TokenProvider({
      authUrl: URL_OF_API,
      clientId: 'c',
      clientSecret: SECRET,
      maxAttempts: 1,
      fetch,
    });
    expectOwn(await failureOf(provider.getAccessToken()));
  });

  it.each(failing)('%s of the API', async (_, fetch) => {
    const tokenProvider = { getAccessToken: async () => TOKEN, invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: URL_OF_API, organizationId: 'o', tokenProvider, fetch });
    const value = { schemaId: 's', environmentId: 'e', key: 'k', tier: 'secret' as const, value: STORED };
    expectOwn(await failureOf(api.setValue(value, { retries: 1 })));
  });

  it('a stream that is not bytes', async () => {
    const tokenProvider = { getAccessToken: async () => TOKEN, invalidate: () => undefined };
    const fetch = async () =>
      new Response(streamOf(STORED), { headers: { 'content-type': 'text/event-stream' } });
    const api = new ConfigApi({ apiUrl: URL_OF_API, organizationId: 'o', tokenProvider, fetch });
    const stream = await api.openStream('prod');
    expectOwn(await failureOf(stream.getReader().read()));
  });

  function streamOf(chunk: unknown): ReadableStream {
    return new ReadableStream({ pull: (it) => it.enqueue(chunk) });
  }

  function expectOwn(error: unknown): void {
    expect(isConfigError(error)).toBe(true);
    const names: string[] = [];
    for (let current = error; current instanceof Error; current = current.cause) {
      names.push(current.name);
      for (const property of ['request', 'options', 'response', 'data'])
        expect(current).not.toHaveProperty(property);
    }
    expect(names).not.toEqual([]);
    expect(names).not.toContain('FetchError');
    expect(leaksOf(everythingOf(error), [SECRET, TOKEN, STORED])).toEqual([]);
  }
});

describe('a first request, which loads ofetch', () => {
  /** A provider of a copy of this package that has sent no request. */
  async function freshProvider(fetch: typeof globalThis.fetch, timeoutMs = 30_000) {
    vi.resetModules();
    const { TokenProvider: Fresh } = await import('../server.ts');
    return new Fresh({
      authUrl: URL_OF_API,
      clientId: 'c',
      clientSecret: SECRET,
      maxAttempts: 1,
      timeoutMs,
      fetch,
    });
  }

  const grant = () => vi.fn<typeof globalThis.fetch>(async () => tokenResponse('t1'));

  it('can be aborted meanwhile, and sends nothing then', async () => {
    vi.doMock('ofetch', () => deferred<object>().promise);
    const fetch = grant();
    const provider = await freshProvider(fetch);
    const controller = new AbortController();
    const aborted = failureOf(provider.getAccessToken({ signal: controller.signal }));
    setImmediate(() => controller.abort());
    expect(await aborted).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
    expect(fetch).not.toHaveBeenCalled();
  });

  it('is subject to the time limit meanwhile', async () => {
    vi.doMock('ofetch', () => deferred<object>().promise);
    const fetch = grant();
    const provider = await freshProvider(fetch);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const failure = failureOf(provider.getAccessToken());
    await expect.poll(() => vi.getTimerCount()).toBeGreaterThan(0);
    vi.advanceTimersByTime(30_000);
    expect(await failure).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' });
    expect(vi.getTimerCount()).toBe(0);
    expect(fetch).not.toHaveBeenCalled();
  });

  it('says why ofetch could not be loaded, and the next request tries again', async () => {
    vi.doMock('ofetch', () => {
      throw Object.assign(new Error("Cannot find package 'ofetch'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    const provider = await freshProvider(grant());
    expect(await failureOf(provider.getAccessToken())).toMatchObject({
      code: 'ERR_TOKEN_TRANSPORT',
      message: expect.stringContaining('ofetch'),
    });
    vi.doUnmock('ofetch');
    expect(await provider.getAccessToken()).toBe('t1');
  });

  it('reads the global fetch when it sends the request', async () => {
    const provider = await freshProvider(undefined as unknown as typeof globalThis.fetch);
    const before = globalThis.fetch;
    try {
      const pending = provider.getAccessToken();
      globalThis.fetch = grant();
      expect(await pending).toBe('t1');
    } finally {
      globalThis.fetch = before;
    }
  });
});

describe('the signal of a request', () => {
  /** Aborts once the work at hand is done. */
  const soon = (controller: AbortController): void => void setImmediate(() => controller.abort());
  const never = <Value>(): Promise<Value> => deferred<Value>().promise;

  const phases: [string, () => Promise<Response>][] = [
    ['before the headers', () => never()],
    ['while the body arrives', async () => new Response(new ReadableStream({ pull: () => never() }))],
    [
      'during the wait before another attempt',
      async () => Response.json({}, { status: 503, headers: { 'retry-after': '20' } }),
    ],
  ];

  it.each(phases)('ends it %s, and leaves no timer', async (_, respond) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const controller = new AbortController();
    const fetch = vi.fn(() => {
      soon(controller);
      return respond();
    });
    const tokenProvider = { getAccessToken: async () => TOKEN, invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: URL_OF_API, organizationId: 'o', tokenProvider, fetch });
    const failure = await failureOf(api.listValues('prod', { signal: controller.signal }));
    expect(failure).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('ends the wait for a token, and sends nothing', async () => {
    const controller = new AbortController();
    const fetch = vi.fn<typeof globalThis.fetch>();
    const getAccessToken = (): Promise<string> => {
      soon(controller);
      return never();
    };
    const tokenProvider = { getAccessToken, invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: URL_OF_API, organizationId: 'o', tokenProvider, fetch });
    const failure = await failureOf(api.listValues('prod', { signal: controller.signal }));
    expect(failure).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'aborted' });
    expect(fetch).not.toHaveBeenCalled();
  });

  it('ends an open stream', async () => {
    const controller = new AbortController();
    const body = new ReadableStream({ pull: () => never() });
    const headers = { 'content-type': 'text/event-stream' };
    const tokenProvider = { getAccessToken: async () => TOKEN, invalidate: () => undefined };
    const fetch = async (): Promise<Response> => new Response(body, { headers });
    const api = new ConfigApi({ apiUrl: URL_OF_API, organizationId: 'o', tokenProvider, fetch });
    const stream = await api.openStream('prod', { signal: controller.signal });
    soon(controller);
    expect(await failureOf(stream.getReader().read())).toMatchObject({ reason: 'aborted' });
  });
});

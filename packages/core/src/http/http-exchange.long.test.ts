import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../../scripts/free-port.mjs';
import { ConfigApi, TokenProvider, type TokenProviderOptions } from '../server.ts';
import {
  type LoopbackServer,
  type Responder,
  sendJson,
  startLoopbackServer,
} from '../test-support/loopback-server.ts';
import { deferred, failureOf } from '../test-support/token-fixture.ts';

// `HttpExchange` through its two users, with Node's fetch against real servers.

const servers: LoopbackServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(respond: Responder): Promise<LoopbackServer> {
  const server = await startLoopbackServer(respond);
  servers.push(server);
  return server;
}

/** Generous: time-outs are triggered by {@link timeOut}, never by a busy machine. */
const TIMEOUT_MS = 30_000;

function providerOf(authUrl: string, options: Partial<TokenProviderOptions> = {}): TokenProvider {
  return new TokenProvider({
    authUrl,
    clientId: 'client-1',
    clientSecret: 's3cret',
    timeoutMs: TIMEOUT_MS,
    maxAttempts: 1,
    ...options,
  });
}

/** A server whose tokens are numbered, and an API client for it. */
async function startApi(respond: Responder, fetch?: typeof globalThis.fetch) {
  let tokens = 0;
  let requests = 0;
  const server = await start((request, response, more) => {
    if (request.url === '/token') {
      tokens += 1;
      sendJson(response, 200, { access_token: `token-${tokens}`, token_type: 'Bearer', expires_in: 3600 });
      return;
    }
    requests += 1;
    return respond(request, response, { ...more, count: requests });
  });
  const api = new ConfigApi({
    apiUrl: server.url,
    organizationId: 'org-1',
    tokenProvider: providerOf(server.url),
    timeoutMs: TIMEOUT_MS,
    retries: 0,
    fetch,
  });
  return { api, server, exchanges: () => tokens };
}

/** A port where nothing listens. */
async function deadUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort(0)}`;
}

/** How far a request gets before its server hangs. */
type Phase = 'request' | 'response';

/** Lets a test wait until a request has reached its server, or the headers of the response the client. */
function watch(respond: Responder) {
  const reached = { request: deferred<void>(), response: deferred<void>() };
  const watched: Responder = (...exchange) => {
    reached.request.resolve();
    return respond(...exchange);
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    reached.response.resolve();
    return response;
  };
  return { watched, fetch, reached: (phase: Phase) => reached[phase].promise };
}

/** The error of a call whose time-out ends as soon as `hanging` resolves. */
async function timeOut(call: () => Promise<unknown>, hanging: () => Promise<void>): Promise<unknown> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let error: unknown;
  void failureOf(call()).then((failure) => {
    error = failure;
  });
  await hanging();
  await nextTurn();
  vi.advanceTimersByTime(TIMEOUT_MS);
  await expect.poll(() => error).toBeDefined();
  vi.useRealTimers();
  return error;
}

const ZEROS = Buffer.alloc(32 * 1024 * 1024);
const BOMBS = { gzip: gzipSync(ZEROS), deflate: deflateSync(ZEROS), br: brotliCompressSync(ZEROS) };

/** Writes again and again until the connection closes. */
function trickle(socket: Socket, write: () => void): void {
  const timer = setInterval(write, 20);
  socket.on('error', () => undefined).on('close', () => clearInterval(timer));
}

const huge = (): string => JSON.stringify({ access_token: 'x'.repeat(10 * 1024 * 1024) });

describe('TokenProvider against a real server', () => {
  it('exchanges once for many callers', async () => {
    const server = await start((_, response) =>
      sendJson(response, 200, { access_token: 't1', expires_in: 60 }),
    );
    const provider = providerOf(`${server.url}/`);
    expect(new Set(await Promise.all(Array.from({ length: 500 }, () => provider.getAccessToken())))).toEqual(
      new Set(['t1']),
    );
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      url: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&provider=client_credentials&client_id=client-1&client_secret=s3cret',
    });
  });

  it('reports a refused connection', async () => {
    await expect(providerOf(await deadUrl()).getAccessToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_TRANSPORT',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each<[string, Responder, string]>([
    [
      'a reset before the response',
      (_request, _response, { socket }) => void socket.resetAndDestroy(),
      'ERR_TOKEN_TRANSPORT',
    ],
    [
      'a reset within the response',
      (_request, response, { socket }) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"access_token":');
        setTimeout(() => socket.resetAndDestroy(), 20);
      },
      'ERR_TOKEN_TRANSPORT',
    ],
    [
      'HTML',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
      'ERR_TOKEN_MALFORMED',
    ],
    [
      '10 MB',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(huge()),
      'ERR_TOKEN_MALFORMED',
    ],
    ['a refusal of 10 MB', (_, response) => void response.writeHead(500).end(huge()), 'ERR_TOKEN_REJECTED'],
  ])('rejects on %s, and the next call succeeds', async (_, respond, code) => {
    const server = await start((request, response, more) =>
      more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { access_token: 't2' }),
    );
    const provider = providerOf(server.url);
    await expect(provider.getAccessToken()).rejects.toMatchObject({ code });
    await expect(provider.getAccessToken()).resolves.toBe('t2');
  });

  it.each<[string, Phase, Responder, string]>([
    ['does not respond', 'request', () => undefined, 'ERR_TOKEN_TRANSPORT'],
    [
      'stops within the response',
      'response',
      (_, response) => void response.writeHead(200).write('{"access'),
      'ERR_TOKEN_TRANSPORT',
    ],
    [
      'stops within a refusal',
      'response',
      (_, response) => void response.writeHead(503).write('{'),
      'ERR_TOKEN_REJECTED',
    ],
    [
      'sends its headers in drops',
      'request',
      (_request, _response, { socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        trickle(socket, () => socket.write('x-more: 1\r\n'));
      },
      'ERR_TOKEN_TRANSPORT',
    ],
    [
      'sends its body in drops',
      'response',
      (_request, response, { socket }) => {
        response.writeHead(200);
        trickle(socket, () => response.write(' '));
      },
      'ERR_TOKEN_TRANSPORT',
    ],
  ])('times out if the server %s, and the next call succeeds', async (_, phase, respond, code) => {
    const { watched, fetch, reached } = watch((request, response, more) =>
      more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { access_token: 't2' }),
    );
    const server = await start(watched);
    const provider = providerOf(server.url, { fetch });
    const error = await timeOut(
      () => provider.getAccessToken(),
      () => reached(phase),
    );
    expect(error).toMatchObject(code === 'ERR_TOKEN_TRANSPORT' ? { code, reason: 'timeout' } : { code });
    await expect(provider.getAccessToken()).resolves.toBe('t2');
  });

  it.each(
    [301, 302, 303, 307, 308].flatMap((status) => [[status, 'body'] as const, [status, 'basic'] as const]),
  )('does not send the secret to the target of a %d (credentials in %s)', async (status, credentialsIn) => {
    const elsewhere = await start((_, response) => sendJson(response, 200, { access_token: 'stolen' }));
    const server = await start(
      (_, response) => void response.writeHead(status, { location: `${elsewhere.url}/token` }).end(),
    );
    const provider = providerOf(server.url, { credentialsIn });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_REJECTED', status });
    expect(elsewhere.seen).toEqual([]);
  });

  it.each(['gzip', 'deflate', 'br'] as const)(
    'reads at most 64 KiB of a decompressed %s response',
    async (encoding) => {
      const bomb = BOMBS[encoding];
      const server = await start(
        (_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
      );
      expect(bomb.length).toBeLessThan(64 * 1024);
      await expect(providerOf(server.url).getAccessToken()).rejects.toMatchObject({ reason: 'too-large' });
    },
  );
});

describe('ConfigApi against a real server', () => {
  it('exchanges once for many refusals of the same token', async () => {
    const { api, exchanges, server } = await startApi((request, response) => {
      if (request.headers.authorization === 'Bearer token-1') sendJson(response, 401, { message: 'revoked' });
      else sendJson(response, 200, { values: { a: 1 } });
    });
    const results = await Promise.all(Array.from({ length: 50 }, () => api.listValues('prod')));
    expect(results).toEqual(Array.from({ length: 50 }, () => ({ a: 1 })));
    expect(exchanges()).toBe(2);
    expect(server.seen.at(-1)?.url).toBe('/organizations/org-1/config/values?environment=prod');
  });

  it.each<[string, Responder, string]>([
    ['a reset', (_request, _response, { socket }) => void socket.resetAndDestroy(), 'ERR_REQUEST_TRANSPORT'],
    [
      'HTML',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'ERR_RESPONSE_MALFORMED',
    ],
    ['truncated JSON', (_, response) => void response.end('{"values": {'), 'ERR_RESPONSE_MALFORMED'],
    ['an empty response', (_, response) => void response.writeHead(204).end(), 'ERR_RESPONSE_MALFORMED'],
    [
      '17 MiB',
      (_, response) => void response.end(`"${'x'.repeat(17 * 1024 * 1024)}"`),
      'ERR_RESPONSE_MALFORMED',
    ],
  ])('rejects on %s, and the next call succeeds', async (_, respond, code) => {
    const { api } = await startApi((request, response, more) =>
      more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { values: {} }),
    );
    await expect(api.listValues('prod')).rejects.toMatchObject({ code });
    await expect(api.listValues('prod')).resolves.toEqual({});
  });

  it.each<[string, Phase, Responder]>([
    ['does not respond', 'request', () => undefined],
    ['stops within the response', 'response', (_, response) => void response.writeHead(200).write('[')],
  ])('times out if the server %s, and the next call succeeds', async (_, phase, respond) => {
    const { watched, fetch, reached } = watch((request, response, more) =>
      more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { values: {} }),
    );
    const { api } = await startApi(watched, fetch);
    const error = await timeOut(
      () => api.listValues('prod'),
      () => reached(phase),
    );
    expect(error).toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'timeout' });
    await expect(api.listValues('prod')).resolves.toEqual({});
  });

  it('reads 10 MB', async () => {
    const text = 'x'.repeat(10 * 1024 * 1024);
    const { api } = await startApi((_, response) => sendJson(response, 200, { value: text }));
    expect(await api.getValue('prod', 'big')).toHaveLength(text.length);
  });

  it.each([301, 302, 307, 308])('does not send the token to the target of a %d', async (status) => {
    const elsewhere = await start((_, response) => sendJson(response, 200, { values: {} }));
    const { api } = await startApi(
      (_, response) => void response.writeHead(status, { location: `${elsewhere.url}/values` }).end(),
    );
    await expect(api.listValues('prod')).rejects.toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
    expect(elsewhere.seen).toEqual([]);
  });

  it('distinguishes a refused connection to the API from one to the issuer', async () => {
    const issuer = await start((_, response) => sendJson(response, 200, { access_token: 't' }));
    const dead = await deadUrl();
    const make = (apiUrl: string, authUrl: string) =>
      new ConfigApi({ apiUrl, organizationId: 'o', tokenProvider: providerOf(authUrl), retries: 0 });
    await expect(make(dead, issuer.url).listSchemas()).rejects.toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
    });
    await expect(make(issuer.url, dead).listSchemas()).rejects.toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });

  it('streams events as they arrive, also after a 401, until the signal closes the connection', async () => {
    let isClosed = false;
    const { api, exchanges } = await startApi((_, response, { count }) => {
      if (count === 1) return sendJson(response, 401, { message: 'expired' });
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n');
      response.on('close', () => {
        isClosed = true;
      });
    });
    const controller = new AbortController();
    const stream = await api.openStream('prod', { signal: controller.signal });
    const reader = stream.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('id: 1\n\n');
    const next = reader.read();
    controller.abort();
    await expect(next).rejects.toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
      cause: { name: 'AbortError' },
    });
    await expect.poll(() => isClosed).toBe(true);
    expect(exchanges()).toBe(2);
  });

  it('fails a stream that the server drops', async () => {
    const { api } = await startApi((_request, response, { socket }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const drain = async (): Promise<void> => {
      const reader = (await api.openStream('prod')).getReader();
      while (!(await reader.read()).done);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT' });
  });
});

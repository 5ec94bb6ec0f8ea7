import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigApi, TokenProvider, type TokenProviderOptions } from '../server.ts';
import {
  type LoopbackServer,
  type Responder,
  sendJson,
  startLoopbackServer,
} from '../test-support/loopback-server.ts';

const servers: LoopbackServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(respond: Responder): Promise<LoopbackServer> {
  const server = await startLoopbackServer(respond);
  servers.push(server);
  return server;
}

function providerOf(
  authUrl: string,
  timeoutMs = 5_000,
  options: Partial<TokenProviderOptions> = {},
): TokenProvider {
  return new TokenProvider({
    authUrl,
    clientId: 'client-1',
    clientSecret: 's3cret',
    timeoutMs,
    maxAttempts: 1,
    ...options,
  });
}

/** A server whose tokens are numbered, and an API client for it. */
async function startApi(respond: Responder, timeoutMs = 5_000) {
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
  const tokenProvider = providerOf(server.url);
  const api = new ConfigApi({
    apiUrl: server.url,
    organizationId: 'org-1',
    tokenProvider,
    timeoutMs,
    retries: 0,
  });
  return { api, server, tokenProvider, exchanges: () => tokens };
}

/** A port where nothing listens. */
async function deadUrl(): Promise<string> {
  const server = await startLoopbackServer(() => undefined);
  await server.close();
  return server.url;
}

const ZEROS = Buffer.alloc(32 * 1024 * 1024);
const BOMBS = { gzip: gzipSync(ZEROS), deflate: deflateSync(ZEROS), br: brotliCompressSync(ZEROS) };

/** Writes until nobody listens. */
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

  it('names a refused connection', async () => {
    await expect(providerOf(await deadUrl()).getAccessToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_TRANSPORT',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it.each<[string, Responder, string]>([
    [
      'a reset before the answer',
      (_request, _response, { socket }) => void socket.resetAndDestroy(),
      'ERR_TOKEN_TRANSPORT',
    ],
    [
      'a reset within the answer',
      (_request, response, { socket }) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"access_token":');
        setTimeout(() => socket.resetAndDestroy(), 20);
      },
      'ERR_TOKEN_TRANSPORT',
    ],
    ['a hang', () => undefined, 'ERR_TOKEN_TRANSPORT'],
    [
      'a hang within the answer',
      (_, response) => void response.writeHead(200).write('{"access'),
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
    ['a refusal that hangs', (_, response) => void response.writeHead(503).write('{'), 'ERR_TOKEN_REJECTED'],
  ])('fails with one of ours on %s, and works again at the next call', async (_, respond, code) => {
    const server = await start((request, response, more) =>
      more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { access_token: 't2' }),
    );
    const provider = providerOf(server.url, 300);
    await expect(provider.getAccessToken()).rejects.toMatchObject({ code });
    await expect(provider.getAccessToken()).resolves.toBe('t2');
  });

  it.each(
    [301, 302, 303, 307, 308].flatMap((status) => [[status, 'body'] as const, [status, 'basic'] as const]),
  )('does not carry the secret to where a %d leads, by %s', async (status, credentialsIn) => {
    const elsewhere = await start((_, response) => sendJson(response, 200, { access_token: 'stolen' }));
    const server = await start(
      (_, response) => void response.writeHead(status, { location: `${elsewhere.url}/token` }).end(),
    );
    const provider = providerOf(server.url, 5_000, { credentialsIn });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_REJECTED', status });
    expect(elsewhere.seen).toEqual([]);
  });

  it.each(['gzip', 'deflate', 'br'] as const)(
    'reads 64 KiB of what comes out of %s, whatever goes in',
    async (encoding) => {
      const bomb = BOMBS[encoding];
      const server = await start(
        (_, response) => void response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
      );
      expect(bomb.length).toBeLessThan(64 * 1024);
      await expect(providerOf(server.url).getAccessToken()).rejects.toMatchObject({ reason: 'too-large' });
    },
  );

  it.each<[string, Responder]>([
    [
      'headers',
      (_request, _response, { socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        trickle(socket, () => socket.write('x-more: 1\r\n'));
      },
    ],
    [
      'a body',
      (_request, response, { socket }) => {
        response.writeHead(200);
        trickle(socket, () => response.write(' '));
      },
    ],
  ])('is over in time where %s come in drops', async (_, respond) => {
    const server = await start(respond);
    await expect(providerOf(server.url, 300).getAccessToken()).rejects.toMatchObject({ reason: 'timeout' });
  });
});

describe('ConfigApi against a real server', () => {
  it('refreshes a refused token once for staggered refusals', async () => {
    const { api, exchanges, server } = await startApi((request, response) => {
      if (request.headers.authorization === 'Bearer token-1') sendJson(response, 401, { message: 'revoked' });
      else sendJson(response, 200, { values: { a: 1 } });
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.listValues('prod')));
    expect(answers).toEqual(Array.from({ length: 50 }, () => ({ a: 1 })));
    expect(exchanges()).toBe(2);
    expect(server.seen.at(-1)?.url).toBe('/organizations/org-1/config/values?environment=prod');
  });

  it.each<[string, Responder, string]>([
    ['a reset', (_request, _response, { socket }) => void socket.resetAndDestroy(), 'ERR_REQUEST_TRANSPORT'],
    ['a hang', () => undefined, 'ERR_REQUEST_TRANSPORT'],
    [
      'a hang within the answer',
      (_, response) => void response.writeHead(200).write('['),
      'ERR_REQUEST_TRANSPORT',
    ],
    [
      'HTML',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'ERR_RESPONSE_MALFORMED',
    ],
    ['truncated JSON', (_, response) => void response.end('{"values": {'), 'ERR_RESPONSE_MALFORMED'],
    ['an empty answer', (_, response) => void response.writeHead(204).end(), 'ERR_RESPONSE_MALFORMED'],
    [
      '17 MiB',
      (_, response) => void response.end(`"${'x'.repeat(17 * 1024 * 1024)}"`),
      'ERR_RESPONSE_MALFORMED',
    ],
  ])('fails with one of ours on %s, and works again at the next call', async (_, respond, code) => {
    const { api } = await startApi(
      (request, response, more) =>
        more.count === 1 ? respond(request, response, more) : sendJson(response, 200, { values: {} }),
      1_000,
    );
    await expect(api.listValues('prod')).rejects.toMatchObject({ code });
    await expect(api.listValues('prod')).resolves.toEqual({});
  });

  it('reads 10 MB', async () => {
    const text = 'x'.repeat(10 * 1024 * 1024);
    const { api } = await startApi((_, response) => sendJson(response, 200, { value: text }));
    expect(await api.getValue('prod', 'big')).toHaveLength(text.length);
  });

  it.each([301, 302, 307, 308])('does not carry the token to where a %d leads', async (status) => {
    const elsewhere = await start((_, response) => sendJson(response, 200, { values: {} }));
    const { api } = await startApi(
      (_, response) => void response.writeHead(status, { location: `${elsewhere.url}/values` }).end(),
    );
    await expect(api.listValues('prod')).rejects.toMatchObject({ code: 'ERR_REQUEST_REJECTED', status });
    expect(elsewhere.seen).toEqual([]);
  });

  it('names a refused connection of the API apart from one of the issuer', async () => {
    const issuer = await start((_, response) => sendJson(response, 200, { access_token: 't' }));
    const dead = await deadUrl();
    const make = (apiUrl: string, authUrl: string) =>
      new ConfigApi({ apiUrl, organizationId: 'o', tokenProvider: providerOf(authUrl) });
    await expect(make(dead, issuer.url).listSchemas()).rejects.toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
    });
    await expect(make(issuer.url, dead).listSchemas()).rejects.toMatchObject({ code: 'ERR_TOKEN_TRANSPORT' });
  });

  it('streams as events come, after a 401, until the signal ends the connection', async () => {
    let ended: () => void = () => undefined;
    const connectionEnded = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const { api, exchanges } = await startApi((_, response, { count }) => {
      if (count === 1) return sendJson(response, 401, { message: 'expired' });
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n');
      response.on('close', ended);
    }, 500);
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
    await connectionEnded;
    expect(exchanges()).toBe(2);
  });

  it('says so when the server drops a stream', async () => {
    const { api } = await startApi((_request, response, { socket }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const reader = (await api.openStream('prod')).getReader();
    const drain = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT' });
  });
});

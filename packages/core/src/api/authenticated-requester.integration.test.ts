import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createConfigClient } from '../client/config-client.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { TokenProvider } from '../token/token-provider.ts';
import { AuthenticatedRequester, type RequesterOptions } from './authenticated-requester.ts';
import type { ApiRequest } from './request-target.ts';

interface CountingServer {
  url: string;
  /** Connections that were ever made, and the paths that open ones were asked for. */
  sockets: { made: number; paths(): (string | undefined)[] };
}

/**
 * How many connections Node's fetch makes for each call that runs at once: an answer is read to its end a moment before
 * its connection is free, so that the next call may find none.
 */
const SOCKETS_A_CALL = 2;

/** Too long to be on its way whole before somebody reads it: left unread, it would hold its connection. */
const LONG_ANSWER = JSON.stringify({ message: 'x'.repeat(1_000_000) });

/** A real server that counts its connections; closed with the test. */
async function startServer(listener: RequestListener): Promise<CountingServer> {
  const open = new Map<Socket, string | undefined>();
  const sockets = { made: 0, paths: () => [...open.values()] };
  const server = createServer((request, response) => {
    open.set(request.socket, request.url);
    listener(request, response);
  });
  server.on('connection', (socket) => {
    sockets.made += 1;
    open.set(socket, undefined);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function requesterOf(apiUrl: string, options: Partial<RequesterOptions> = {}): AuthenticatedRequester {
  const tokenProvider = { getAccessToken: async () => 'token-1', invalidate: () => undefined };
  return new AuthenticatedRequester({ apiUrl, tokenProvider, timeoutMs: 5_000, ...options });
}

const get: ApiRequest = { method: 'GET', path: ['things'] };
const put: ApiRequest = { method: 'PUT', path: ['things'], body: { text: 'x'.repeat(1_000) } };

describe('connections', () => {
  it('are used again after every kind of answer that was read', async () => {
    const statuses = [200, 204, 304, 400, 401, 404, 409, 500, 503];
    let count = 0;
    const { url, sockets } = await startServer((_request, response) => {
      const status = statuses[count++ % statuses.length] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 || status === 304 ? undefined : LONG_ANSWER);
    });
    const requester = requesterOf(url, { retries: 0 });
    for (let call = 0; call < 90; call++) {
      await requester.json({ ...get, accept: [304] }).catch(() => undefined);
    }
    expect(count).toBeGreaterThanOrEqual(90);
    expect(sockets.made).toBeLessThanOrEqual(SOCKETS_A_CALL);
  });

  it('are used again for retries and for the second try after a 401', async () => {
    let count = 0;
    const { url, sockets } = await startServer((_request, response) => {
      count += 1;
      const status = [503, 401, 503, 200][(count - 1) % 4] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' }).end(LONG_ANSWER);
    });
    for (let call = 0; call < 3; call++) {
      expect(await requesterOf(url).json(get)).toMatchObject({ status: 200 });
    }
    expect(count).toBe(12);
    expect(sockets.made).toBeLessThanOrEqual(SOCKETS_A_CALL);
  });

  it('do not grow beyond the calls that run at once', async () => {
    const { url, sockets } = await startServer((_request, response) => {
      setImmediate(() => response.end('{}'));
    });
    const requester = requesterOf(url);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 5 }, () => requester.json(get)));
    }
    expect(sockets.made).toBeLessThanOrEqual(5 * SOCKETS_A_CALL);
  });

  it('are closed after a time-out and after an answer over the limit, and no other suffers', async () => {
    const { url, sockets } = await startServer((request, response) => {
      if (request.url === '/hang') return;
      if (request.url === '/huge') {
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.on('close', () => clearInterval(timer));
        return;
      }
      response.end('{}');
    });
    const requester = requesterOf(url, { timeoutMs: 300, maxAnswerBytes: 200_000, retries: 0 });
    await expect(requester.json({ ...get, path: ['hang'] })).rejects.toMatchObject({ reason: 'timeout' });
    await expect(requester.json({ ...get, path: ['huge'] })).rejects.toMatchObject({
      code: 'ERR_RESPONSE_MALFORMED',
    });
    // Node's fetch may hold a fresh one in reserve, which was asked for nothing.
    await expect.poll(() => sockets.paths().filter(Boolean), { timeout: 3_000 }).toEqual([]);
    expect(await requester.json(get)).toMatchObject({ status: 200 });
  });
});

describe('a server that fails at first', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['resets', (socket) => socket.resetAndDestroy()],
    ['hangs up', (socket) => socket.destroy()],
    ['speaks no HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH\r\n')],
    [
      'stops within its answer',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'),
    ],
  ])('is asked again when it %s, and a POST is not', async (_, fail) => {
    let failures = 1;
    let count = 0;
    const { url } = await startServer((request, response) => {
      count += 1;
      if (failures-- > 0) fail(request.socket);
      else response.end('{"ok":true}');
    });
    const requester = requesterOf(url);
    expect(await requester.json(put)).toMatchObject({ body: { ok: true } });
    expect(count).toBe(2);
    failures = 1;
    await expect(requester.json({ ...put, method: 'POST' })).rejects.toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
    });
    expect(count).toBe(3);
  });

  it('is sent the whole body again', async () => {
    const bodies: string[] = [];
    const { url } = await startServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(bodies.length === 1 ? 502 : 200).end('{}');
      });
    });
    await requesterOf(url).json(put);
    expect(bodies).toEqual([JSON.stringify(put.body), JSON.stringify(put.body)]);
  });

  it('names a refused connection and an unknown host apart', async () => {
    const dead = createTcpServer();
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    const { port } = dead.address() as AddressInfo;
    await new Promise((resolve) => dead.close(resolve));
    await expect(requesterOf(`http://127.0.0.1:${port}`).json(get)).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining('after 3 attempts'),
    });
    await expect(requesterOf('https://config.invalid', { retries: 0 }).json(get)).rejects.toMatchObject({
      reason: 'dns',
    });
  });

  it('names a server that speaks no TLS', async () => {
    const { url } = await startServer((_request, response) => response.end('{}'));
    const request = requesterOf(url.replace('http:', 'https:'), { retries: 0 }).json(get);
    await expect(request).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'tls' });
  });
});

describe('event streams', () => {
  it('outlive every time-out, on a connection of their own that ends with the signal', async () => {
    const { url, sockets } = await startServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n');
      const timer = setTimeout(() => response.write('id: 2\n\n'), 600);
      response.on('close', () => clearTimeout(timer));
    });
    const controller = new AbortController();
    const limits = { timeoutMs: 200, headersTimeoutMs: 200, deadlineMs: 300 };
    const stream = await requesterOf(url, limits).stream({ ...get, signal: controller.signal });
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    expect(decoder.decode((await reader.read()).value)).toBe('id: 1\n\n');
    expect(decoder.decode((await reader.read()).value)).toBe('id: 2\n\n');
    controller.abort();
    await expect(reader.read()).rejects.toMatchObject({ reason: 'aborted' });
    await expect.poll(() => sockets.paths().filter(Boolean), { timeout: 3_000 }).toEqual([]);
  });
});

describe('aborting one of several callers', () => {
  it('leaves the token exchange and the requests of the others alone', async () => {
    let exchanges = 0;
    let finishExchange: () => void = () => undefined;
    const { url } = await startServer((request, response) => {
      if (request.url !== '/token') {
        response.end('{"ok":true}');
        return;
      }
      exchanges += 1;
      finishExchange = () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"access_token":"shared","token_type":"Bearer","expires_in":60}');
    });
    const tokenProvider = new TokenProvider({ authUrl: url, clientId: 'c', clientSecret: 's3cret' });
    const requester = requesterOf(url, { tokenProvider });
    const controller = new AbortController();
    const leaver = requester.json({ ...get, signal: controller.signal });
    const others = Array.from({ length: 20 }, () => requester.json(get));
    await expect.poll(() => exchanges, { timeout: 3_000 }).toBe(1);
    controller.abort();
    await expect(leaver).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'aborted' });
    finishExchange();
    for (const answer of await Promise.all(others)) expect(answer.body).toEqual({ ok: true });
    expect(exchanges).toBe(1);
  });
});

describe('a loop around the requests', () => {
  it('does not multiply their retries: a client that starts sends one request a try', async () => {
    let asked = 0;
    const { url } = await startServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/token') {
        response.end('{"access_token":"t1","expires_in":60}');
      } else if (request.url?.includes('/ruleset')) {
        asked += 1;
        const body = { revision: '1', environment: 'dev', public: {}, secret: {}, flags: {}, limits: {} };
        response.writeHead(asked <= 2 ? 503 : 200).end(JSON.stringify({ ...body, segments: {} }));
      }
    });
    const tries: unknown[] = [];
    const client = createConfigClient({
      config: defineConfig({ limits: { cartItems: defineLimit({ default: 20 }) } }),
      ...{
        apiUrl: url,
        authUrl: url,
        clientId: 'c',
        clientSecret: 's',
        organizationId: 'o',
        environment: 'dev',
      },
      onEvent: (event) => {
        if (event.type === 'connection' && event.error !== undefined) tries.push(event.error);
      },
    });
    onTestFinished(() => client.close());
    await client.ready();
    expect(asked).toBe(3);
    expect(tries).toMatchObject([{ status: 503 }, { status: 503 }]);
  });
});

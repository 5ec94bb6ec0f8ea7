import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createConfigClient } from '../client/config-client.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { TokenProvider } from '../token/token-provider.ts';
import { AuthenticatedRequester, type RequesterOptions } from './authenticated-requester.ts';
import type { ApiRequest } from './request-target.ts';

interface CountingServer {
  url: string;
  /** How many connections were opened, and the last path requested on each that is still open. */
  sockets: { opened: number; paths(): (string | undefined)[] };
}

/**
 * How many connections Node's fetch opens per concurrent call: a response is read to its end a moment before its
 * connection is free, so the next call may need another one.
 */
const SOCKETS_PER_CALL = 2;

/** Larger than the socket buffers: if it were not read, its connection could not be reused. */
const LONG_BODY = JSON.stringify({ message: 'x'.repeat(1_000_000) });

/** A real server that counts its connections. It is closed when the test ends. */
async function startServer(listener: RequestListener): Promise<CountingServer> {
  const open = new Map<Socket, string | undefined>();
  const sockets = { opened: 0, paths: () => [...open.values()] };
  const server = createServer((request, response) => {
    open.set(request.socket, request.url);
    listener(request, response);
  });
  server.on('connection', (socket) => {
    sockets.opened += 1;
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
  return new AuthenticatedRequester({ apiUrl, tokenProvider, timeoutMs: 30_000, ...options });
}

const get: ApiRequest = { method: 'GET', path: ['things'] };
const put: ApiRequest = { method: 'PUT', path: ['things'], body: { text: 'x'.repeat(1_000) } };

describe('connections', () => {
  it('are reused after every kind of response', async () => {
    const statuses = [200, 204, 304, 400, 401, 404, 409, 500, 503];
    let count = 0;
    const { url, sockets } = await startServer((_request, response) => {
      const status = statuses[count++ % statuses.length] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 || status === 304 ? undefined : LONG_BODY);
    });
    const requester = requesterOf(url, { retries: 0 });
    for (let call = 0; call < 90; call++) {
      await requester.json({ ...get, accept: [304] }).catch(() => undefined);
    }
    expect(count).toBeGreaterThanOrEqual(90);
    expect(sockets.opened).toBeLessThanOrEqual(SOCKETS_PER_CALL);
  });

  it('are reused for retries and for the second attempt after a 401', async () => {
    // The shortest waits between attempts.
    vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => void vi.restoreAllMocks());
    let count = 0;
    const { url, sockets } = await startServer((_request, response) => {
      count += 1;
      const status = [503, 401, 503, 200][(count - 1) % 4] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' }).end(LONG_BODY);
    });
    for (let call = 0; call < 3; call++) {
      expect(await requesterOf(url).json(get)).toMatchObject({ status: 200 });
    }
    expect(count).toBe(12);
    expect(sockets.opened).toBeLessThanOrEqual(SOCKETS_PER_CALL);
  });

  it('do not outnumber the concurrent calls', async () => {
    const { url, sockets } = await startServer((_request, response) => {
      setImmediate(() => response.end('{}'));
    });
    const requester = requesterOf(url);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 5 }, () => requester.json(get)));
    }
    expect(sockets.opened).toBeLessThanOrEqual(5 * SOCKETS_PER_CALL);
  });

  it('are closed after a time-out and after a response above the limit, without harm to other calls', async () => {
    const { url, sockets } = await startServer((request, response) => {
      if (request.url === '/hang') return;
      if (request.url === '/huge') {
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.on('close', () => clearInterval(timer));
        return;
      }
      response.end('{}');
    });
    const impatient = requesterOf(url, { timeoutMs: 300, retries: 0 });
    await expect(impatient.json({ ...get, path: ['hang'] })).rejects.toMatchObject({ reason: 'timeout' });
    const requester = requesterOf(url, { maxResponseBytes: 200_000, retries: 0 });
    await expect(requester.json({ ...get, path: ['huge'] })).rejects.toMatchObject({
      code: 'ERR_RESPONSE_MALFORMED',
    });
    // Node's fetch may keep a new connection in reserve, without any request.
    await expect.poll(() => sockets.paths().filter(Boolean)).toEqual([]);
    expect(await requester.json(get)).toMatchObject({ status: 200 });
  });
});

describe('a server that fails', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['resets', (socket) => socket.resetAndDestroy()],
    ['closes the connection', (socket) => socket.destroy()],
    ['does not speak HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH\r\n')],
    [
      'stops within its response',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'),
    ],
  ])('gets a PUT again if it %s, but not a POST', async (_, fail) => {
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

  it('gets the whole body again', async () => {
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

  it('is reported as refusing the connection or as unknown', async () => {
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

  it('is reported as not speaking TLS', async () => {
    const { url } = await startServer((_request, response) => response.end('{}'));
    const request = requesterOf(url.replace('http:', 'https:'), { retries: 0 }).json(get);
    await expect(request).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'tls' });
  });
});

describe('event streams', () => {
  it('outlive every time limit, until the signal closes their connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let sendSecondEvent = (): void => undefined;
    const { url, sockets } = await startServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n');
      sendSecondEvent = () => void response.write('id: 2\n\n');
    });
    const controller = new AbortController();
    const stream = await requesterOf(url).stream({ ...get, signal: controller.signal });
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    expect(decoder.decode((await reader.read()).value)).toBe('id: 1\n\n');
    vi.advanceTimersByTime(3_600_000);
    sendSecondEvent();
    expect(decoder.decode((await reader.read()).value)).toBe('id: 2\n\n');
    controller.abort();
    await expect(reader.read()).rejects.toMatchObject({ reason: 'aborted' });
    await expect.poll(() => sockets.paths().filter(Boolean)).toEqual([]);
  });
});

describe('aborting one of several callers', () => {
  it('does not affect the token exchange or the requests of the others', async () => {
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
    const aborted = requester.json({ ...get, signal: controller.signal });
    const others = Array.from({ length: 20 }, () => requester.json(get));
    await expect.poll(() => exchanges).toBe(1);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'aborted' });
    finishExchange();
    for (const response of await Promise.all(others)) expect(response.body).toEqual({ ok: true });
    expect(exchanges).toBe(1);
  });
});

describe('a client that starts', () => {
  it('sends one request per attempt, because its own loop replaces the retries', async () => {
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
    const failures: unknown[] = [];
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
        if (event.type === 'connection' && event.error !== undefined) failures.push(event.error);
      },
    });
    onTestFinished(() => client.close());
    await client.ready();
    expect(asked).toBe(3);
    expect(failures).toMatchObject([{ status: 503 }, { status: 503 }]);
  });
});

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../scripts/free-port.mjs';
import { createConfigServer } from './create-config-server.ts';
import { createServerLogger } from './server-logger.ts';
import {
  adminOf,
  callApi,
  grant,
  jsonOf,
  makeClient,
  postForm,
  sendRaw,
  startServer,
  temporaryDirectory,
  tokenOf,
} from './test-support/running-server.ts';

const NO_CREDENTIALS = { apiUrl: '', authUrl: '', organizationId: '', clientId: '', clientSecret: '' };

/** A logger that keeps its lines. */
function capturedLog(): { lines: () => string; logger: ReturnType<typeof createServerLogger> } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { lines: () => text, logger: createServerLogger({ level: 'trace', stream }) };
}

describe('createConfigServer', () => {
  it('listens in memory, with the first environments and an admin', async () => {
    const server = await startServer();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect([...server.environments].sort()).toEqual(['development', 'production', 'staging']);
    expect(server.credentialsFile).toBeUndefined();
    expect(adminOf(server)).toMatchObject({ apiUrl: server.url, authUrl: server.url });
    for (const path of ['/healthz', '/readyz']) {
      expect(await jsonOf(await fetch(server.url + path))).toEqual({ status: 'ok' });
      expect((await fetch(server.url + path, { method: 'HEAD' })).status).toBe(200);
    }
  });

  it('describes itself at / with links', async () => {
    const server = await startServer();
    const response = await fetch(server.url);
    expect(response.status).toBe(200);
    const page = await jsonOf(response);
    expect(page.message).toContain('config server');
    expect(page.docs).toContain('@smooai/config-server');
    for (const link of [page.health, page.readiness, page.issuer]) {
      expect((await fetch(String(link))).status, String(link)).toBe(200);
    }
    expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
  });

  it('does not show its secret when it is printed', async () => {
    const server = await startServer();
    const { clientSecret } = adminOf(server);
    expect(inspect(server, { depth: 9 }) + JSON.stringify(server)).not.toContain(clientSecret);
  });

  it('keeps two servers of one process apart', async () => {
    const [one, other] = [await startServer(), await startServer()];
    expect(one.organizationId).not.toBe(other.organizationId);
    expect((await postForm(`${one.url}/token`, grant(adminOf(other)))).status).toBe(401);
  });

  it('says which port is taken', async () => {
    const server = await startServer();
    const port = Number(new URL(server.url).port);
    await expect(createConfigServer({ port, env: {} })).rejects.toMatchObject({
      name: 'ServerStartError',
      code: 'ERR_ADDRESS_UNAVAILABLE',
      message: expect.stringContaining(`Port ${port} on 127.0.0.1 is taken`),
    });
  });

  it.each([
    { port: -1 },
    { port: 1.5 },
    { tokenTtlSec: 0 },
    { tokenTtlSec: 30 * 24 * 3_600 + 1 },
    { bodyLimitBytes: Number.NaN },
    { publicUrl: 'x' },
    { db: '' },
  ])('refuses the option %o', async (options) => {
    await expect(createConfigServer({ env: {}, ...options })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      message: expect.stringContaining(Object.keys(options).join()),
    });
  });

  it.skipIf(process.platform === 'win32')(
    'responds to no request with 200 before the credentials file is complete',
    async () => {
      const directory = await temporaryDirectory();
      const credentialsFile = join(directory, 'credentials.json');
      // The start waits until someone writes to this pipe.
      execFileSync('mkfifo', [credentialsFile]);
      const port = await freePort(0);
      const starting = createConfigServer({ env: {}, port, credentialsFile });
      const status = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
        return response?.status;
      };
      await expect.poll(() => status('/healthz')).toBe(503);
      for (const path of ['/', '/readyz', '/jwks', '/.well-known/oauth-authorization-server']) {
        expect(await status(path), path).toBe(503);
      }
      await writeFile(credentialsFile, JSON.stringify(NO_CREDENTIALS));
      const server = await starting;
      onTestFinished(() => server.close());
      expect(await status('/healthz')).toBe(200);
      expect(JSON.parse(await readFile(credentialsFile, 'utf8'))).toEqual(adminOf(server));
    },
  );

  it('does not keep its port when the start fails', async () => {
    const directory = await temporaryDirectory();
    const credentialsFile = join(directory, 'package.json');
    await writeFile(credentialsFile, '{}');
    const port = await freePort(0);
    await expect(createConfigServer({ env: {}, port, credentialsFile })).rejects.toThrow('package.json');
    const server = await startServer({ port });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('publishes the public URL of a proxy in front of it', async () => {
    const server = await createConfigServer({ env: {}, publicUrl: 'https://config.example/base/' });
    await server.close();
    expect(server.url).toBe('https://config.example/base');
    expect(server.credentials?.authUrl).toBe('https://config.example/base');
  });
});

describe('refusals', () => {
  it('are JSON with a message, whatever is wrong', async () => {
    const server = await startServer({ bodyLimitBytes: 1000 });
    const token = await tokenOf(server);
    const post = (body: string, type = 'application/json') =>
      fetch(`${server.url}/organizations/${server.organizationId}/auth-clients`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
        body,
      });
    const cases: [Promise<Response>, number][] = [
      [fetch(`${server.url}/nowhere?key=pk_hidden`), 404],
      [fetch(`${server.url}/organizations/%zz/auth-clients`), 400],
      [post('{"type": sk_hidden'), 400],
      [post(''), 400],
      [post('{"__proto__": {}}'), 400],
      [post('x', 'text/plain'), 415],
      [post('x', 'application/octet-stream'), 415],
      [post(JSON.stringify({ type: 'm2m', name: 'x'.repeat(2000) })), 413],
    ];
    for (const [request, status] of cases) {
      const response = await request;
      const text = await response.text();
      expect(response.status, text).toBe(status);
      expect(Object.keys(JSON.parse(text))).toEqual(['message']);
      expect(text).not.toMatch(/hidden|FST_|node_modules| at /);
    }
  });

  it('are JSON too for input that is not HTTP', async () => {
    const server = await startServer();
    expect(await sendRaw(server, 'rubbish\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*\{"message":"[^"]+"\}$/);
    const long = `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(40_000)}\r\n\r\n`;
    expect(await sendRaw(server, long)).toMatch(/^HTTP\/1\.1 431 [\s\S]*\{"message":"[^"]+"\}$/);
    const isJson = (status: number) => new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\\{"message":".+"\\}`);
    expect(await sendRaw(server, 'GET /healthz HTTP/1.1\r\n\r\n')).toMatch(isJson(400));
    const expecting = 'GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\n\r\n';
    expect(await sendRaw(server, expecting)).toMatch(isJson(417));
    const old = await sendRaw(server, 'GET /healthz HTTP/1.0\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('slow clients', () => {
  const timeouts = { headersMs: 200, requestMs: 400 };

  it.each([
    ['nothing at all', ''],
    ['half of its headers', 'GET /healthz HTTP/1.1\r\nhost: x\r\n'],
    ['half of its body', 'POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\ngrant'],
  ])('are cut off if they send %s', async (_name, text) => {
    const server = await startServer({ timeouts });
    expect(await sendRaw(server, text)).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"message":"[^"]+"\}$/);
  });

  it('do not include clients with an open event stream', async () => {
    const server = await startServer({ timeouts: { headersMs: 100, requestMs: 150 } });
    // A busy machine can be too slow for these limits too.
    const token = await vi.waitFor(() => tokenOf(server), { timeout: 60_000 });
    const open = async () => {
      const response = await callApi(server, '/config/stream?environment=development', { token });
      expect(response.status).toBe(200);
      return response;
    };
    const stream = await vi.waitFor(open, { timeout: 60_000 });
    let ended = false;
    const rest = stream.text().finally(() => {
      ended = true;
    });
    // Two connections that are cut off show that both limits have passed.
    await sendRaw(server, 'GET /');
    await sendRaw(server, 'GET /');
    expect(ended).toBe(false);
    await server.close();
    expect(await rest).toContain('event: ruleset');
  });
});

describe('close', () => {
  it('ends streams, refuses new connections and can be called again', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const streams = await Promise.all([
      callApi(server, '/config/stream?environment=development', { token }),
      callApi(server, '/config/snapshot/stream?environment=development', { token }),
    ]);
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    await Promise.all([server.close(), server.close()]);
    const texts = await Promise.all(streams.map((stream) => stream.text()));
    expect(texts[0]).toContain('event: ruleset');
    expect(texts[1]).toContain('event: snapshot');
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it.each([
    ['has sent nothing', ''],
    ['has sent half of its headers', 'GET /healthz HTTP/1.1\r\nhost: x\r\n'],
    ['keeps its connection', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'has sent half of its body and no more',
      'POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\ngrant',
    ],
  ])('does not wait for a client that %s', async (_name, text) => {
    // Longer than this test may take.
    const server = await startServer({ timeouts: { closeMs: 3_600_000 } });
    const connection = sendRaw(server, text);
    await fetch(`${server.url}/healthz`);
    await server.close();
    await connection;
  });

  it('closes the connection of a request that it lets finish', async () => {
    const server = await startServer({ timeouts: { closeMs: 60_000 } });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(
      'POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 2\r\n\r\na',
    );
    await fetch(`${server.url}/healthz`);
    const ended = once(socket, 'close');
    const closed = server.close();
    socket.write('=');
    await Promise.all([closed, ended]);
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(received.toLowerCase()).toContain('connection: close');
  });

  it('refuses streams that begin while it closes, and does not wait for them', async () => {
    const server = await startServer({ timeouts: { closeMs: 60_000 } });
    const token = await tokenOf(server);
    const begin = async (): Promise<number> => {
      try {
        const stream = await callApi(server, '/config/stream?environment=development', { token });
        await stream.text();
        return stream.status;
      } catch {
        return 0;
      }
    };
    const early = Array.from({ length: 20 }, begin);
    await fetch(`${server.url}/healthz`);
    const late = Array.from({ length: 20 }, begin);
    await server.close();
    for (const status of await Promise.all([...early, ...late])) expect([0, 200, 503]).toContain(status);
  });

  it('tells clients of a stream when to connect again, each at another time', async () => {
    const server = await startServer({ timeouts: { drainMs: 1 } });
    const token = await tokenOf(server);
    const open = () => callApi(server, '/config/stream?environment=development', { token });
    const streams = await Promise.all(Array.from({ length: 8 }, open));
    await server.close();
    const ends = await Promise.all(
      streams.map(async (stream) => /\n\nretry: (\d+)\n\n$/.exec(await stream.text())?.[1]),
    );
    for (const end of ends) expect(Number(end)).toSatisfy((ms: number) => ms >= 1_000 && ms <= 5_000);
    expect(new Set(ends).size).toBeGreaterThan(1);
  });

  it('causes no warning about listeners with many open streams', async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    const server = await startServer();
    const token = await tokenOf(server);
    const open = () => callApi(server, '/config/stream?environment=development', { token });
    const streams = await Promise.all(Array.from({ length: 12 }, open));
    await server.close();
    await Promise.all(streams.map((stream) => stream.text()));
    expect(warnings).toEqual([]);
  });

  it('does not wait for a client that never ends its request', async () => {
    const server = await startServer({ timeouts: { closeMs: 100 } });
    const hanging = sendRaw(server, 'POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\ngrant');
    // Its response arrives after the server has accepted the other connection.
    await fetch(`${server.url}/healthz`);
    await server.close();
    await hanging;
  });
});

describe('the log', () => {
  it('has one line for each request and no credential', async () => {
    const { lines, logger } = capturedLog();
    const server = await startServer({ logger });
    const admin = adminOf(server);
    const token = await tokenOf(server);
    const key = await makeClient(server, token, { type: 'b2m', allowedOrigins: ['https://shop.example'] });
    await callApi(server, `/config/values?environment=development&key=${key.publishableKey}`, {
      headers: { origin: 'https://shop.example' },
    });
    await callApi(server, `/config/snapshot/stream?context=${'c2VjcmV0LWNvbnRleHQ'}&key=wrong-key`);
    await postForm(`${server.url}/token?client_secret=query-secret`, {
      ...grant(admin),
      client_secret: 'sk_typo',
    });
    await postForm(`${server.url}/revoke`, { ...grant(admin), token });
    await callApi(server, '/auth-clients', { token: 'malformed-token' });
    await server.close();
    const text = lines();
    expect(text).toContain('"path":"/token"');
    expect(text).toContain(`"clientId":"${admin.clientId}"`);
    const hidden = [
      admin.clientSecret,
      token,
      key.publishableKey,
      'c2VjcmV0LWNvbnRleHQ',
      'wrong-key',
      'query-secret',
      'sk_typo',
      'malformed-token',
      'Bearer',
    ];
    for (const secret of hidden) expect(text).not.toContain(secret);
  });

  it('warns if plain HTTP is reachable from other machines', async () => {
    const { lines, logger } = capturedLog();
    const server = await startServer({ logger, host: '0.0.0.0' });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect(lines()).toContain('plain HTTP');
  });
});

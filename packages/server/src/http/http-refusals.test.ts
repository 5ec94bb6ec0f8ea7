import { describe, expect, it } from 'vitest';
import type { ConfigServer } from '../create-config-server.ts';
import {
  adminOf,
  callApi,
  grant,
  jsonOf,
  postForm,
  sendRaw,
  sharedServer,
  tokenOf,
} from '../test-support/running-server.ts';

/** A refusal closes the connection, so nothing that follows can be taken for a request. */
async function refusalOf(server: ConfigServer, text: string): Promise<number> {
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const received = await sendRaw(server, text + smuggled);
  const [head = '', body = ''] = received.split('\r\n\r\n');
  expect(head.toLowerCase(), text).toContain('connection: close');
  expect(head.toLowerCase()).toContain('x-content-type-options: nosniff');
  expect(JSON.parse(body)).toEqual(expect.objectContaining({ message: expect.any(String) }));
  expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
}

describe('a request that RFC 9112 does not allow', () => {
  const server = sharedServer();
  const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n';
  const post = 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n';

  it.each<[string, string, number[]]>([
    ['two Host lines', `${get}Host: y\r\n\r\n`, [400]],
    ['two equal Host lines', `${get}host: x\r\n\r\n`, [400]],
    ['two Host lines in HTTP/1.0', 'GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n', [400]],
    ['two Host lines for an unknown path', 'GET /no HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', [400]],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', [400]],
    ['a Host with a space', 'GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n', [400]],
    ['a Host that is a list', 'GET /healthz HTTP/1.1\r\nHost: x, y\r\n\r\n', [400]],
    ['a Host with a path', 'GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n', [400]],
    ['a Host with a user', 'GET /healthz HTTP/1.1\r\nHost: me@x\r\n\r\n', [400]],
    ['a blank before the colon', 'GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n', [400]],
    ['HTTP/2.0', 'GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n', [505, 400]],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [505, 400]],
    ['HTTP/0.9', 'GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n', [505, 400]],
    ['HTTP/1.2', 'GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n', [505, 400]],
    ['HTTP/3.0', 'GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n', [505, 400]],
    ['a version in lower case', 'GET /healthz http/1.1\r\nHost: x\r\n\r\n', [505, 400]],
    ['no version', 'GET /healthz\r\n\r\n', [505, 400]],
    ['two lengths', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, [400]],
    ['two equal lengths', `${post}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, [400]],
    ['a list of lengths', `${post}Content-Length: 1, 1\r\n\r\na`, [400]],
    ['a signed length', `${post}Content-Length: +1\r\n\r\na`, [400]],
    ['a hexadecimal length', `${post}Content-Length: 0x1\r\n\r\na`, [400]],
    [
      'a length and a coding',
      `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      [400],
    ],
    ['a coding before chunked', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, [501, 400]],
    ['a coding after chunked', `${post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, [400]],
    ['the coding identity', `${post}Transfer-Encoding: identity\r\n\r\n`, [400]],
    [
      'two codings',
      `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      [400, 501],
    ],
    ['a coding in HTTP/1.0', 'POST /token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', [400]],
    ['a chunk of no length', `${post}Transfer-Encoding: chunked\r\n\r\nx\r\na\r\n0\r\n\r\n`, [400]],
    ['a folded header', `${get}X: a\r\n b\r\n\r\n`, [400]],
    ['a carriage return in a header', `${get}X: a\rb\r\n\r\n`, [400]],
    ['a NUL in a header', `${get}X: a\0b\r\n\r\n`, [400]],
    ['lines that end with a line feed', 'GET /healthz HTTP/1.1\nHost: x\n\n', [400]],
    ['a header without a colon', `${get}X\r\n\r\n`, [400]],
  ])('is refused: %s', async (_name, text, statuses) => {
    expect(statuses).toContain(await refusalOf(server(), text));
  });

  it.each([
    'GET /healthz HTTP/1.0\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nHost: x:80\r\nConnection: close\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nHost: [::1]:4100\r\nConnection: close\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nhOsT: a-b.c_d.example\r\nConnection: close\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n',
  ])('does not include %j', async (text) => {
    expect(await sendRaw(server(), text)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a body', () => {
  const server = sharedServer();
  it.each(['gzip', 'br', 'deflate', 'gzip, identity', 'x-made-up', 'GZIP'])(
    'must not be compressed with %s',
    async (encoding) => {
      const headers = { 'content-encoding': encoding };
      const token = await tokenOf(server());
      const body = { type: 'm2m', name: 'x' };
      const refused = await callApi(server(), '/auth-clients', { token, method: 'POST', body, headers });
      expect(refused.status).toBe(415);
      expect(refused.headers.get('accept-encoding')).toBe('identity');
      expect((await jsonOf(refused)).message).toContain('Content-Encoding');
      const oauth = await postForm(`${server().url}/token`, grant(adminOf(server())), headers);
      expect(oauth.status).toBe(415);
      expect(await jsonOf(oauth)).toMatchObject({
        error: 'invalid_request',
        message: expect.stringContaining('Content-Encoding'),
      });
    },
  );

  it('may say that it is not compressed', async () => {
    const headers = { 'content-encoding': 'identity' };
    const form = grant(adminOf(server()));
    expect((await postForm(`${server().url}/token`, form, headers)).status).toBe(200);
  });

  it.each([
    ['DELETE', '/auth-clients/nothing', 404],
    ['DELETE', '/config/values/nothing?environment=development', 404],
    ['GET', '/config/values?environment=development', 200],
    ['GET', '/auth-clients', 200],
  ])('that is empty counts as none, whatever its type: %s %s', async (method, path, status) => {
    const token = await tokenOf(server());
    const { hostname } = new URL(server().url);
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      for (const framing of ['', 'Content-Length: 0\r\n']) {
        const received = await sendRaw(
          server(),
          `${method} /organizations/${server().organizationId}${path} HTTP/1.1\r\nHost: ${hostname}\r\n` +
            `Authorization: Bearer ${token}\r\nContent-Type: ${type}\r\n${framing}Connection: close\r\n\r\n`,
        );
        expect(received, `${type} ${framing}`).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      }
    }
    const chunked = await sendRaw(
      server(),
      `${method} /organizations/${server().organizationId}${path} HTTP/1.1\r\nHost: ${hostname}\r\n` +
        `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
        'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
    );
    expect(chunked).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('that is empty deletes a client, and HEAD needs none', async () => {
    const token = await tokenOf(server());
    const body = { type: 'm2m', name: 'x' };
    const { id } = await jsonOf(await callApi(server(), '/auth-clients', { token, method: 'POST', body }));
    const headers = { 'content-type': 'application/json' };
    const deleted = await callApi(server(), `/auth-clients/${String(id)}`, {
      token,
      method: 'DELETE',
      headers,
    });
    expect(deleted.status).toBe(204);
    expect((await fetch(`${server().url}/healthz`, { method: 'HEAD', headers })).status).toBe(200);
  });

  it('that is empty is still refused where one is required', async () => {
    const token = await tokenOf(server());
    const headers = { 'content-type': 'application/json' };
    expect((await callApi(server(), '/auth-clients', { token, method: 'POST', headers })).status).toBe(400);
  });
});

describe('every response', () => {
  const server = sharedServer();
  it.each<[string, number, RequestInit?]>([
    ['/', 200],
    ['/healthz', 200],
    ['/jwks', 200],
    ['/token', 405],
    ['/nothing', 404],
    ['/%zz', 400],
    ['/organizations/x/config/values', 401],
    ['/healthz', 404, { method: 'DELETE' }],
  ])('has the usual security headers: %s %i', async (path, status, init) => {
    const response = await fetch(server().url + path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    if (path === '/%zz') return;
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('x-frame-options')?.toLowerCase()).toBe('deny');
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  it('includes event streams', async () => {
    const abort = new AbortController();
    const { url, organizationId } = server();
    const response = await fetch(
      `${url}/organizations/${organizationId}/config/stream?environment=development`,
      {
        headers: { authorization: `Bearer ${await tokenOf(server())}` },
        signal: abort.signal,
      },
    );
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('no-store');
    abort.abort();
  });
});

import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConfigServer } from '../create-config-server.ts';
import {
  adminOf,
  callApi,
  jsonOf,
  makeClient,
  startServer,
  tokenOf,
} from '../test-support/running-server.ts';

const VALUES = '/config/values?environment=development';
const ORIGIN = 'https://shop.example';

async function publishableKey(server: ConfigServer, token: string): Promise<string> {
  return (await makeClient(server, token, { type: 'b2m', allowedOrigins: [ORIGIN] })).publishableKey;
}

describe('a missing or wrong credential', () => {
  it('gets a 401 with a challenge', async () => {
    const server = await startServer();
    const missing = await callApi(server, '/auth-clients');
    expect(missing.status).toBe(401);
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="smooai-config"');
    expect(await jsonOf(missing)).toEqual({ message: expect.any(String) });
    for (const authorization of ['Bearer', 'Bearer x.y.z', 'Basic eDp5', 'Bearer pk_unknown', 'Bearer a b']) {
      const wrong = await callApi(server, '/auth-clients', { headers: { authorization } });
      expect(wrong.status, authorization).toBe(401);
      expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
  });

  it('is refused before the body is read', async () => {
    const server = await startServer();
    const response = await callApi(server, '/auth-clients', { method: 'POST', body: { nonsense: true } });
    expect(response.status).toBe(401);
  });
});

describe('a token', () => {
  // Audience, type and time: forged-tokens.test.ts, with the server's own key.
  it('is refused if it is unsigned, altered or signed with another key or algorithm', async () => {
    const server = await startServer();
    const good = await tokenOf(server);
    const claims = decodeJwt(good);
    const header = { ...decodeProtectedHeader(good), alg: 'ES256' };
    const foreign = await generateKeyPair('ES256', { extractable: true });
    const sign = (payload: object, change: object = {}) =>
      new SignJWT({ ...payload }).setProtectedHeader({ ...header, ...change }).sign(foreign.privateKey);
    const [head, payload, signature] = good.split('.');
    const changed = Buffer.from(JSON.stringify({ ...claims, scope: 'config:admin', x: 1 })).toString(
      'base64url',
    );
    const publicKey = Buffer.from(JSON.stringify(await exportJWK(foreign.publicKey)));
    const forged = [
      new UnsecuredJWT(claims).encode(),
      await sign(claims),
      await sign(claims, { kid: 'other' }),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(publicKey),
      `${head}.${changed}.${signature}`,
      `${head}.${payload}.`,
    ];
    for (const token of forged) expect((await callApi(server, '/auth-clients', { token })).status).toBe(401);
    expect((await callApi(server, '/auth-clients', { token: good })).status).toBe(200);
  });

  it('stops working when it has expired', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const expiresAtMs = Number(decodeJwt(token).exp) * 1000;
    const status = async () => (await callApi(server, '/auth-clients', { token })).status;
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    vi.setSystemTime(expiresAtMs - 1);
    expect(await status()).toBe(200);
    vi.setSystemTime(expiresAtMs);
    expect(await status()).toBe(401);
  });

  it('is refused if another server issued it', async () => {
    const [one, other] = [await startServer(), await startServer()];
    const token = await tokenOf(other);
    expect((await callApi(one, '/auth-clients', { token })).status).toBe(401);
  });

  it('works only in its organization and within its scopes', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const foreign = await fetch(`${server.url}/organizations/other/auth-clients`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(foreign.status).toBe(403);
    const reader = await tokenOf(server, await makeClient(server, token, { type: 'm2m' }));
    expect((await callApi(server, VALUES, { token: reader })).status).toBe(200);
    const denied = await callApi(server, '/auth-clients', { token: reader });
    expect(denied.status).toBe(403);
    expect(denied.headers.get('www-authenticate')).toContain('scope="config:admin"');
    expect((await jsonOf(denied)).message).toContain('config:admin');
    const write = await callApi(server, '/config/values', { token: reader, method: 'PUT', body: {} });
    expect(write.status).toBe(403);
  });

  it.each([
    ['Bearer %', 200],
    ['bearer %', 200],
    ['Bearer   %', 200],
    ['Basic Bearer %', 401],
    ['xBearer %', 401],
    ['Bearer % x', 401],
    ['Bearer %, Bearer %', 401],
    ['%', 401],
  ])('in the header "%s" gets %i', async (form, status) => {
    const server = await startServer();
    const authorization = form.replaceAll('%', await tokenOf(server));
    expect((await callApi(server, VALUES, { headers: { authorization } })).status).toBe(status);
  });

  it('is refused in ?key=', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    expect((await callApi(server, `${VALUES}&key=${token}`)).status).toBe(401);
  });
});

describe('a publishable key', () => {
  it('reads from an allowed origin, by header and by query', async () => {
    const server = await startServer();
    const key = await publishableKey(server, await tokenOf(server));
    const headers = { origin: ORIGIN };
    expect((await callApi(server, VALUES, { token: key, headers })).status).toBe(200);
    expect((await callApi(server, `${VALUES}&key=${key}`, { headers })).status).toBe(200);
    expect((await callApi(server, `${VALUES}&key=${key}&key=${key}`, { headers })).status).toBe(401);
  });

  it.each([
    undefined,
    'https://evil.example',
    'https://shop.example.evil.example',
    'http://shop.example',
    'null',
  ])('is refused from %s', async (origin) => {
    const server = await startServer();
    const key = await publishableKey(server, await tokenOf(server));
    const headers: Record<string, string> = origin === undefined ? {} : { origin };
    const response = await callApi(server, VALUES, { token: key, headers });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('no longer reads once it is revoked, by header and by query', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const input = { type: 'b2m', allowedOrigins: [ORIGIN] };
    const [revoked, other] = [await makeClient(server, token, input), await makeClient(server, token, input)];
    const headers = { origin: ORIGIN };
    const statuses = async (key: string): Promise<number[]> => [
      (await callApi(server, VALUES, { token: key, headers })).status,
      (await callApi(server, `${VALUES}&key=${key}`, { headers })).status,
      (
        await callApi(server, '/config/snapshot', {
          token: key,
          headers,
          method: 'POST',
          body: { environment: 'development' },
        })
      ).status,
    ];
    expect(await statuses(revoked.publishableKey)).toEqual([200, 200, 200]);
    await callApi(server, `/auth-clients/${revoked.id}`, { token, method: 'DELETE' });
    expect(await statuses(revoked.publishableKey)).toEqual([401, 401, 401]);
    expect(await statuses(other.publishableKey)).toEqual([200, 200, 200]);
  });

  it('cannot write, manage clients or read rulesets', async () => {
    const server = await startServer();
    const key = await publishableKey(server, await tokenOf(server));
    const headers = { origin: ORIGIN };
    const calls = [
      callApi(server, '/auth-clients', { token: key, headers }),
      callApi(server, '/config/values', { token: key, headers, method: 'PUT', body: {} }),
      callApi(server, '/config/ruleset?environment=development', { token: key, headers }),
      callApi(server, '/config/stream?environment=development', { token: key, headers }),
    ];
    for (const response of await Promise.all(calls)) expect(response.status).toBe(403);
  });
});

describe('a client secret', () => {
  it('does not work as a token', async () => {
    const server = await startServer();
    const { clientSecret } = adminOf(server);
    expect((await callApi(server, '/auth-clients', { token: clientSecret })).status).toBe(401);
  });
});

describe('a protected response', () => {
  it.each([
    '/auth-clients',
    '/config/values?environment=development',
    '/config/schemas',
    '/config/environments',
    '/config/segments?environment=development',
  ])('must not be cached, nor its refusal: %s', async (path) => {
    const server = await startServer();
    for (const token of [await tokenOf(server), 'wrong']) {
      const response = await callApi(server, path, { token });
      expect(response.status).toBe(token === 'wrong' ? 401 : 200);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
  });
});

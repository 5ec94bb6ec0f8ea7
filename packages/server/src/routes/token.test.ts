import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  adminOf,
  callApi,
  grant,
  jsonOf,
  makeClient,
  postForm,
  startServer,
  tokenOf,
} from '../test-support/running-server.ts';

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

describe('POST /token', () => {
  it('exchanges client credentials for a signed token', async () => {
    const server = await startServer({ tokenTtlSec: 120 });
    const admin = adminOf(server);
    const response = await postForm(`${server.url}/token`, grant(admin));
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('pragma')).toBe('no-cache');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const body = await jsonOf(response);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 120,
      scope: 'config:read config:write config:admin',
    });
    const verified = await jwtVerify(
      String(body.access_token),
      createRemoteJWKSet(new URL(`${server.url}/jwks`)),
      { issuer: server.url, audience: 'smooai-config', algorithms: ['ES256'], typ: 'at+jwt' },
    );
    expect(verified.payload).toMatchObject({ sub: admin.clientId, org: server.organizationId });
  });

  it('works without provider, accepts Basic and narrows the scope', async () => {
    const server = await startServer();
    const { clientId, clientSecret } = adminOf(server);
    const form = { grant_type: 'client_credentials', scope: 'config:read' };
    const response = await postForm(`${server.url}/token`, form, basic(clientId, clientSecret));
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toMatchObject({ scope: 'config:read' });
  });

  it('decodes both halves of Basic as forms (RFC 6749 §2.3.1)', async () => {
    const server = await startServer();
    const { clientId, clientSecret } = adminOf(server);
    const encoded = Buffer.from(clientSecret).toString('hex').replace(/../g, '%$&');
    const form = { grant_type: 'client_credentials' };
    expect((await postForm(`${server.url}/token`, form, basic(clientId, encoded))).status).toBe(200);
    expect((await postForm(`${server.url}/token`, form, basic(clientId, '%zz'))).status).toBe(401);
  });

  it.each([
    ['no grant type', { grant_type: '' }, 400, 'invalid_request', /grant_type/],
    ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type', /client_credentials/],
    ['no client id', { client_id: '' }, 400, 'invalid_request', /client_id/],
    ['no secret', { client_secret: '' }, 400, 'invalid_request', /client_secret/],
    ['a wrong secret', { client_secret: 'sk_wrong' }, 401, 'invalid_client', /secret/],
    ['an unknown client', { client_id: 'nobody' }, 401, 'invalid_client', /unknown/],
    ['an unknown scope', { scope: 'config:everything' }, 400, 'invalid_scope', /scope/],
  ])('refuses %s', async (_name, change, status, error, description) => {
    const server = await startServer();
    const response = await postForm(`${server.url}/token`, { ...grant(adminOf(server)), ...change });
    expect(response.status).toBe(status);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('www-authenticate')).toBeNull();
    const body = await jsonOf(response);
    expect(body).toEqual({
      error,
      error_description: expect.stringMatching(description),
      message: body.error_description,
    });
    expect(JSON.stringify(body)).not.toContain('sk_');
  });

  it('refuses a scope that the client does not have', async () => {
    const server = await startServer();
    const reader = await makeClient(server, await tokenOf(server), { type: 'm2m' });
    const response = await postForm(`${server.url}/token`, { ...grant(reader), scope: 'config:write' });
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toMatchObject({ error: 'invalid_scope' });
  });

  it('refuses a repeated parameter, two ways of authentication and another content type', async () => {
    const server = await startServer();
    const { clientId, clientSecret } = adminOf(server);
    const form = new URLSearchParams(grant(adminOf(server))).toString();
    const repeated = await postForm(`${server.url}/token`, `${form}&client_id=other`);
    expect(repeated.status).toBe(400);
    expect((await jsonOf(repeated)).message).toBe('The parameter client_id is repeated.');
    const twice = await postForm(`${server.url}/token`, form, basic(clientId, clientSecret));
    expect(twice.status).toBe(400);
    const json = await fetch(`${server.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(grant(adminOf(server))),
    });
    expect(json.status).toBe(400);
    expect(await jsonOf(json)).toMatchObject({ error: 'invalid_request' });
    const nothing = await fetch(`${server.url}/token`, { method: 'POST' });
    expect(nothing.status).toBe(400);
    expect(await jsonOf(nothing)).toMatchObject({ error: 'invalid_request' });
  });

  it('challenges a client that used the Authorization header', async () => {
    const server = await startServer();
    const form = { grant_type: 'client_credentials' };
    const { clientId } = adminOf(server);
    const wrong = await postForm(`${server.url}/token`, form, basic(clientId, 'sk_wrong'));
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    const bearer = await postForm(`${server.url}/token`, form, { authorization: 'Bearer x' });
    expect(bearer.status).toBe(401);
    expect(bearer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('responds with 405 to %s', async (method) => {
    const server = await startServer();
    const response = await fetch(`${server.url}/token`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await jsonOf(response)).toMatchObject({ error: 'invalid_request', message: expect.any(String) });
  });

  it('responds with 413 to a body over 16 KiB', async () => {
    const server = await startServer();
    const response = await postForm(`${server.url}/token`, {
      ...grant(adminOf(server)),
      padding: 'x'.repeat(17_000),
    });
    expect(response.status).toBe(413);
    expect(await jsonOf(response)).toMatchObject({
      error: 'invalid_request',
      message: 'The body is too large.',
    });
  });

  it('responds with 429 to further wrong secrets of one client and says how long to wait', async () => {
    const server = await startServer({ tokenAttempts: { maxFailures: 3, windowSec: 60 } });
    const admin = adminOf(server);
    const other = await makeClient(server, await tokenOf(server), { type: 'm2m' });
    const wrong = (client: { clientId: string; clientSecret: string }) =>
      postForm(`${server.url}/token`, { ...grant(client), client_secret: 'sk_wrong' });
    for (let attempt = 0; attempt < 3; attempt += 1) expect((await wrong(admin)).status).toBe(401);
    const blocked = await wrong(admin);
    expect(blocked.status).toBe(429);
    const retryAfter = Number(blocked.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect((await jsonOf(blocked)).message).toContain(`try again in ${retryAfter} second`);
    expect((await wrong(other)).status).toBe(401);
  });

  it('counts the wrong secrets of each address by themselves', async () => {
    const tokenAttempts = { maxFailures: 1, windowSec: 60 };
    const server = await startServer({ trustProxy: true, tokenAttempts });
    const form = { ...grant(adminOf(server)), client_secret: 'sk_wrong' };
    const statusFor = async (address: string) =>
      (await postForm(`${server.url}/token`, form, { 'x-forwarded-for': address })).status;
    const statuses = [];
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) {
      statuses.push(await statusFor(address));
    }
    expect(statuses).toEqual([401, 429, 401, 429]);
  });

  it('still accepts the right secret from an address that sent wrong ones', async () => {
    const server = await startServer({ tokenAttempts: { maxFailures: 1, windowSec: 60 } });
    const admin = adminOf(server);
    const token = await tokenOf(server);
    const wrong = (path: string) =>
      postForm(`${server.url}${path}`, { ...grant(admin), token, client_secret: 'sk_wrong' });
    expect((await wrong('/token')).status).toBe(401);
    expect((await wrong('/token')).status).toBe(429);
    expect((await postForm(`${server.url}/token`, grant(admin))).status).toBe(200);
    // A right secret does not allow more wrong ones.
    expect((await wrong('/token')).status).toBe(429);
    expect((await wrong('/revoke')).status).toBe(429);
    expect((await postForm(`${server.url}/revoke`, { ...grant(admin), token })).status).toBe(200);
  });

  it('does not exchange a publishable key for a token', async () => {
    const server = await startServer();
    const key = await makeClient(server, await tokenOf(server), {
      type: 'b2m',
      allowedOrigins: ['https://shop.example'],
    });
    const form = grant({ clientId: key.id, clientSecret: key.publishableKey });
    const response = await postForm(`${server.url}/token`, form);
    expect(response.status).toBe(401);
  });
});

describe('POST /revoke', () => {
  it('revokes a token at once and is idempotent', async () => {
    const server = await startServer();
    const admin = adminOf(server);
    const token = await tokenOf(server);
    const other = await tokenOf(server);
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(200);
    for (const text of [token, token, 'rubbish']) {
      const response = await postForm(`${server.url}/revoke`, { ...grant(admin), token: text });
      expect(response.status).toBe(200);
    }
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(401);
    expect((await callApi(server, '/auth-clients', { token: other })).status).toBe(200);
  });

  it("refuses another client's token, a missing token and a wrong secret", async () => {
    const server = await startServer();
    const admin = adminOf(server);
    const token = await tokenOf(server);
    const other = await makeClient(server, token, { type: 'm2m' });
    const stolen = await postForm(`${server.url}/revoke`, { ...grant(other), token });
    expect(stolen.status).toBe(400);
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(200);
    expect((await postForm(`${server.url}/revoke`, grant(admin))).status).toBe(400);
    const wrong = await postForm(`${server.url}/revoke`, { ...grant(admin), client_secret: 'sk_x', token });
    expect(wrong.status).toBe(401);
    expect((await fetch(`${server.url}/revoke`)).status).toBe(405);
  });
});

describe('discovery', () => {
  it.each(['oauth-authorization-server', 'openid-configuration'])('serves %s', async (document) => {
    const server = await startServer();
    const response = await fetch(`${server.url}/.well-known/${document}`);
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toMatchObject({
      issuer: server.url,
      token_endpoint: `${server.url}/token`,
      jwks_uri: `${server.url}/jwks`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    });
  });

  it('publishes only the public half of the signing key', async () => {
    const server = await startServer();
    const { keys } = await jsonOf(await fetch(`${server.url}/jwks`));
    const token = await tokenOf(server);
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        alg: 'ES256',
        use: 'sig',
        kid: decodeProtectedHeader(token).kid,
        x: expect.any(String),
        y: expect.any(String),
      },
    ]);
    expect(decodeJwt(token).iss).toBe(server.url);
  });
});

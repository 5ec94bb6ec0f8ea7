import { describe, expect, it } from 'vitest';
import {
  adminOf,
  callApi,
  grant,
  jsonOf,
  makeClient,
  postForm,
  sharedServer,
  startServer,
  tokenOf,
} from '../test-support/running-server.ts';

const ORIGIN = 'https://shop.example';
const VALUES = '/config/values?environment=staging';

describe('POST /auth-clients', () => {
  const shared = sharedServer();
  it('shows a secret only when it is created', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const response = await callApi(server, '/auth-clients', {
      token,
      method: 'POST',
      body: { type: 'm2m', name: ' ci ', scopes: ['config:read', 'config:write'], environments: ['staging'] },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const created = await jsonOf(response);
    expect(created).toEqual({
      id: expect.any(String),
      clientId: created.id,
      clientSecret: expect.stringMatching(/^sk_[\w-]{43}$/),
      secretKey: created.clientSecret,
      expiresAt: null,
      organizationId: server.organizationId,
      type: 'm2m',
      name: 'ci',
      environments: ['staging'],
      scopes: ['config:read', 'config:write'],
      allowedOrigins: [],
      createdAt: expect.any(String),
      revokedAt: null,
    });
    const list = await (await callApi(server, '/auth-clients', { token })).text();
    expect(list).toContain(String(created.id));
    expect(list).not.toContain(String(created.clientSecret));
    expect(list).not.toMatch(/hash|secret/i);
  });

  it('creates publishable keys that can only read', async () => {
    const server = await startServer();
    const response = await callApi(server, '/auth-clients', {
      token: await tokenOf(server),
      method: 'POST',
      body: { type: 'b2m', name: 'shop', allowedOrigins: [ORIGIN, 'http://localhost:5173'] },
    });
    expect(response.status).toBe(201);
    const created = await jsonOf(response);
    expect(created.publishableKey).toMatch(/^pk_[\w-]{43}$/);
    expect(created).toMatchObject({ scopes: ['config:read'], environments: null });
    expect(created).not.toHaveProperty('clientSecret');
  });

  it.each([
    ['no type', { name: 'x' }, '"type"'],
    ['another type', { type: 'admin', name: 'x' }, '"type"'],
    ['a blank name', { type: 'm2m', name: '  ' }, '"name"'],
    ['a name that is not a string', { type: 'm2m', name: 5 }, '"name"'],
    ['an unknown field', { type: 'm2m', name: 'x', environment: 'staging' }, '"environment"'],
    ['an unknown environment', { type: 'm2m', name: 'x', environments: ['mars'] }, '"environments[0]"'],
    ['no environment at all', { type: 'm2m', name: 'x', environments: [] }, '"environments"'],
    ['an unknown scope', { type: 'm2m', name: 'x', scopes: ['config:all'] }, '"scopes[0]"'],
    ['no scope', { type: 'm2m', name: 'x', scopes: [] }, '"scopes"'],
    [
      'origins for a machine client',
      { type: 'm2m', name: 'x', allowedOrigins: [ORIGIN] },
      '"allowedOrigins"',
    ],
    ['a publishable key without origins', { type: 'b2m', name: 'x' }, '"allowedOrigins"'],
    [
      'a publishable key that writes',
      { type: 'b2m', name: 'x', scopes: ['config:write'], allowedOrigins: [ORIGIN] },
      '"scopes"',
    ],
    ['a body that is not an object', [1], 'body'],
  ])('refuses %s', async (_name, body, field) => {
    const server = shared();
    const response = await callApi(server, '/auth-clients', {
      token: await tokenOf(server),
      method: 'POST',
      body,
    });
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toEqual({ message: expect.stringContaining(field) });
  });

  it.each([
    '*',
    'null',
    'shop.example',
    'https://shop.example/',
    'https://shop.example/path',
    'https://*.example',
    'https://shop.example:443',
    'https://SHOP.example',
    'https://user@shop.example',
    'ftp://shop.example',
    'https://',
    'javascript:alert(1)',
  ])('refuses the origin %s', async (origin) => {
    const server = shared();
    const body = { type: 'b2m', name: 'x', allowedOrigins: [ORIGIN, origin] };
    const response = await callApi(server, '/auth-clients', {
      token: await tokenOf(server),
      method: 'POST',
      body,
    });
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).message).toContain('"allowedOrigins[1]"');
  });

  it('refuses to give a client more rights than the caller has', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const limited = await makeClient(server, admin, {
      type: 'm2m',
      scopes: ['config:read', 'config:admin'],
      environments: ['staging'],
    });
    const token = await tokenOf(server, limited);
    const inputs = [
      { type: 'm2m', name: 'x', environments: ['staging'], scopes: ['config:write'] },
      { type: 'm2m', name: 'x', environments: ['production'] },
      { type: 'm2m', name: 'x' },
    ];
    for (const body of inputs) {
      expect((await callApi(server, '/auth-clients', { token, method: 'POST', body })).status).toBe(403);
    }
    await makeClient(server, token, { type: 'm2m', environments: ['staging'] });
    const { clientId } = adminOf(server);
    expect((await callApi(server, `/auth-clients/${clientId}`, { token, method: 'DELETE' })).status).toBe(
      403,
    );
  });
});

describe('PATCH and DELETE /auth-clients/:id', () => {
  it('do not count a revoked admin as another one', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const other = await makeClient(server, token, { type: 'm2m', scopes: ['config:read', 'config:admin'] });
    expect((await callApi(server, `/auth-clients/${other.id}`, { token, method: 'DELETE' })).status).toBe(
      204,
    );
    const path = `/auth-clients/${adminOf(server).clientId}`;
    expect((await callApi(server, path, { token, method: 'DELETE' })).status).toBe(409);
    const body = { scopes: ['config:read'] };
    expect((await callApi(server, path, { token, method: 'PATCH', body })).status).toBe(409);
  });

  it('refuse to take rights from a client that has more than the caller', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const scopes = ['config:read', 'config:admin'];
    const limited = await makeClient(server, admin, { type: 'm2m', scopes, environments: ['staging'] });
    const token = await tokenOf(server, limited);
    const wider = await makeClient(server, admin, { type: 'm2m' });
    const writer = await makeClient(server, admin, {
      type: 'm2m',
      scopes: ['config:read', 'config:write'],
      environments: ['staging'],
    });
    const cases = [
      [wider, { environments: ['staging'] }],
      [writer, { scopes: ['config:read'] }],
    ] as const;
    for (const [client, body] of cases) {
      const path = `/auth-clients/${client.id}`;
      expect((await callApi(server, path, { token, method: 'PATCH', body })).status).toBe(403);
      expect((await callApi(server, path, { token, method: 'DELETE' })).status).toBe(403);
      expect((await callApi(server, VALUES, { token: await tokenOf(server, client) })).status).toBe(200);
    }
  });

  it('changes the rights of a client, even for tokens that it already has', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const client = await makeClient(server, admin, { type: 'm2m', scopes: ['config:read', 'config:admin'] });
    const token = await tokenOf(server, client);
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(200);
    const response = await callApi(server, `/auth-clients/${client.id}`, {
      token: admin,
      method: 'PATCH',
      body: { scopes: ['config:read'], name: 'reader' },
    });
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toMatchObject({ id: client.id, name: 'reader', scopes: ['config:read'] });
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(403);
  });

  it('revokes: its tokens stop working, it gets no new ones, and a second revocation changes nothing', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const client = await makeClient(server, admin, { type: 'm2m', scopes: ['config:admin'] });
    const token = await tokenOf(server, client);
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(200);
    const path = `/auth-clients/${client.id}`;
    expect((await callApi(server, path, { token: admin, method: 'DELETE' })).status).toBe(204);
    expect((await callApi(server, '/auth-clients', { token })).status).toBe(401);
    expect((await postForm(`${server.url}/token`, grant(client))).status).toBe(401);
    expect((await callApi(server, path, { token: admin, method: 'DELETE' })).status).toBe(204);
    const patch = await callApi(server, path, { token: admin, method: 'PATCH', body: { name: 'x' } });
    expect(patch.status).toBe(409);
    const listed: unknown = await (await callApi(server, '/auth-clients', { token: admin })).json();
    expect(listed).toContainEqual(expect.objectContaining({ id: client.id, revokedAt: expect.any(String) }));
  });

  it('ends the open stream of a revoked client', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const client = await makeClient(server, admin, { type: 'm2m' });
    const token = await tokenOf(server, client);
    const stream = await callApi(server, '/config/stream?environment=development', { token });
    expect(stream.status).toBe(200);
    await callApi(server, `/auth-clients/${client.id}`, { token: admin, method: 'DELETE' });
    expect(await stream.text()).toContain('event: ruleset');
  });

  it('ends the open stream of a publishable key that loses its origin', async () => {
    const server = await startServer();
    const admin = await tokenOf(server);
    const key = await makeClient(server, admin, { type: 'b2m', allowedOrigins: [ORIGIN] });
    const path = `/config/snapshot/stream?environment=development&key=${key.publishableKey}`;
    const stream = await callApi(server, path, { headers: { origin: ORIGIN } });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const body = { allowedOrigins: ['https://other.example'] };
    await callApi(server, `/auth-clients/${key.id}`, { token: admin, method: 'PATCH', body });
    expect(await stream.text()).toContain('event: snapshot');
  });

  it('refuses to remove the last admin', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    const path = `/auth-clients/${adminOf(server).clientId}`;
    expect((await callApi(server, path, { token, method: 'DELETE' })).status).toBe(409);
    const body = { scopes: ['config:read'] };
    expect((await callApi(server, path, { token, method: 'PATCH', body })).status).toBe(409);
    await makeClient(server, token, { type: 'm2m', scopes: ['config:read', 'config:write', 'config:admin'] });
    expect((await callApi(server, path, { token, method: 'DELETE' })).status).toBe(204);
    expect((await callApi(server, path, { token })).status).toBe(404);
  });

  it('responds with 404 for an unknown client and 400 for an empty change', async () => {
    const server = await startServer();
    const token = await tokenOf(server);
    expect((await callApi(server, '/auth-clients/none', { token, method: 'DELETE' })).status).toBe(404);
    const patch = { token, method: 'PATCH' };
    expect((await callApi(server, '/auth-clients/none', { ...patch, body: { name: 'x' } })).status).toBe(404);
    expect((await callApi(server, '/auth-clients/none', { ...patch, body: {} })).status).toBe(400);
    expect((await callApi(server, '/auth-clients/none', { ...patch, body: { type: 'b2m' } })).status).toBe(
      400,
    );
  });
});

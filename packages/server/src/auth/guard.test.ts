import { randomBytes, randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registerErrorHandling } from '../http/error-handling.ts';
import type { AccessRule, Principal } from '../principal.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { createGuard } from './authentication.ts';
import { ClientDirectory } from './client-directory.ts';
import { hashCredential } from './credentials.ts';
import { TokenService } from './token-service.ts';

const ORIGIN = 'https://shop.example';
const KEY = 'pk_test';
const REALM = 'Bearer realm="smooai-config"';

/** Guarded routes with a machine client and a publishable key, and no other part of the server. */
async function setUp() {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  const tokens = await TokenService.open(storage, { ttlSec: 600 });
  const clients = new ClientDirectory(storage);
  const app = Fastify();
  onTestFinished(async () => {
    await app.close();
    await storage.close();
  });
  const organizationId = randomUUID();
  const createdAt = new Date().toISOString();
  await storage.insertOrganization({ id: organizationId, name: 'test', createdAt });
  const insert = (fields: Partial<AuthClient>): Promise<AuthClient> =>
    insertClient(storage, { organizationId, createdAt, ...fields });
  const machine = await insert({ type: 'm2m', scopes: ['config:read', 'config:write'] });
  const page = await insert({ type: 'b2m', credentialHash: hashCredential(KEY), allowedOrigins: [ORIGIN] });
  const principals: (Principal | undefined)[] = [];
  const guard = createGuard({ tokens, clients });
  registerErrorHandling(app);
  const route = (path: string, rule: AccessRule): void => {
    app.get(path, { onRequest: guard(rule) }, async (request) => {
      principals.push(request.principal);
      return {};
    });
  };
  route('/read', { scope: 'config:read', browser: true });
  route('/organizations/:org/read', { scope: 'config:read', browser: true });
  route('/machines', { scope: 'config:read' });
  route('/write', { scope: 'config:write' });
  route('/admin', { scope: 'config:admin' });
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });
  const change = async (client: AuthClient, fields: Partial<AuthClient>): Promise<void> => {
    await storage.updateAuthClient({ ...client, ...fields });
    clients.changed({ ...client, ...fields });
  };
  const issue = async (client = machine, scopes: readonly string[] = client.scopes): Promise<string> =>
    (await tokens.issue(client, scopes, 'http://issuer.example')).accessToken;
  return { organizationId, machine, page, principals, insert, get, change, issue };
}

async function insertClient(
  storage: Storage,
  fields: Partial<AuthClient> & { organizationId: string; createdAt: string },
): Promise<AuthClient> {
  const client: AuthClient = {
    id: randomUUID(),
    type: 'm2m',
    name: randomUUID(),
    credentialHash: randomUUID(),
    environments: null,
    scopes: ['config:read'],
    allowedOrigins: [],
    revokedAt: null,
    ...fields,
  };
  await storage.insertAuthClient(client);
  return client;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

it('asks for a credential if there is none, and does not let the refusal be cached', async () => {
  const { get } = await setUp();
  for (const url of ['/read', '/read?other=1']) {
    const response = await get(url, { origin: ORIGIN });
    expect(response.statusCode).toBe(401);
    expect(response.headers).toMatchObject({ 'www-authenticate': REALM, 'cache-control': 'no-store' });
    expect(response.json()).toEqual({ message: 'A bearer token or a publishable key is required.' });
  }
});

it.each([
  '',
  'Bearer',
  'Bearer a b',
  'Bearer a.b.c',
  `Bearer ${KEY}x`,
  'Basic eDp5',
  `x Bearer ${KEY}`,
  `Bearer ${KEY} x`,
])('refuses the header "%s" as a wrong credential', async (authorization) => {
  const { get } = await setUp();
  // A right key in the query does not make up for it.
  const response = await get(`/read?key=${KEY}`, { authorization, origin: ORIGIN });
  expect(response.statusCode).toBe(401);
  expect(response.headers['www-authenticate']).toBe(`${REALM}, error="invalid_token"`);
});

describe('a machine client', () => {
  it('is recognized by its token, with the rights that the token and the client have', async () => {
    const { get, issue, principals, machine, organizationId } = await setUp();
    const token = await issue(machine, ['config:read', 'config:admin', 'other']);
    for (const scheme of ['Bearer', 'bearer', 'BEARER  ']) {
      expect((await get('/read', { authorization: `${scheme} ${token}` })).statusCode).toBe(200);
    }
    expect(principals[0]).toEqual({
      clientId: machine.id,
      type: 'm2m',
      organizationId,
      environments: undefined,
      scopes: new Set(['config:read']),
      token: { id: expect.any(String), expiresAtSec: expect.any(Number) },
      origin: undefined,
    });
    expect(principals[0]?.token?.expiresAtSec).toBeGreaterThan(Date.now() / 1000);
    // One object for each token, as long as its client is the same.
    expect(principals[1]).toBe(principals[0]);
    expect(principals[2]).toBe(principals[0]);
  });

  it('has the environments and scopes of its client as they are now', async () => {
    const { get, issue, change, principals, machine } = await setUp();
    const headers = bearer(await issue());
    expect((await get('/write', headers)).statusCode).toBe(200);
    await change(machine, { environments: ['staging'], scopes: ['config:read'] });
    expect((await get('/read', headers)).statusCode).toBe(200);
    expect(principals.at(-1)).toMatchObject({ environments: ['staging'], scopes: new Set(['config:read']) });
    const refused = await get('/write', headers);
    expect(refused.statusCode).toBe(403);
    expect(refused.headers['www-authenticate']).toBe(
      `${REALM}, error="insufficient_scope", scope="config:write"`,
    );
  });

  it('is refused once it is revoked, if it is unknown, or if it is in another organization than its token', async () => {
    const { get, issue, change, machine } = await setUp();
    const headers = bearer(await issue());
    const statusOf = async (sent: Record<string, string>) => (await get('/read', sent)).statusCode;
    expect(await statusOf(headers)).toBe(200);
    expect(await statusOf(bearer(await issue({ ...machine, id: 'unknown' })))).toBe(401);
    expect(await statusOf(bearer(await issue({ ...machine, organizationId: 'other' })))).toBe(401);
    await change(machine, { revokedAt: machine.createdAt });
    expect(await statusOf(headers)).toBe(401);
  });

  it('is refused with its token in the query, and with a token for a publishable key', async () => {
    const { get, issue, page } = await setUp();
    expect((await get(`/read?key=${await issue()}`, { origin: ORIGIN })).statusCode).toBe(401);
    const ofPage = await get('/read', { ...bearer(await issue(page)), origin: ORIGIN });
    expect(ofPage.statusCode).toBe(401);
  });

  it('reads only in its own organization, and only within its scopes', async () => {
    const { get, issue, organizationId } = await setUp();
    const headers = bearer(await issue());
    const statuses = [
      `/organizations/${organizationId}/read`,
      '/organizations/other/read',
      '/machines',
      '/admin',
    ];
    const responses = await Promise.all(statuses.map((url) => get(url, headers)));
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 403, 200, 403]);
    expect(responses[1]?.json()).toEqual({ message: 'The credential belongs to another organization.' });
    expect(responses[0]?.headers['cache-control']).toBe('no-store');
  });
});

describe('a publishable key', () => {
  it('is recognized in the header and in the query, with its origin', async () => {
    const { get, principals, page, organizationId } = await setUp();
    expect((await get('/read', { ...bearer(KEY), origin: ORIGIN })).statusCode).toBe(200);
    expect((await get(`/read?key=${KEY}`, { origin: ORIGIN })).statusCode).toBe(200);
    const principal = {
      clientId: page.id,
      type: 'b2m',
      organizationId,
      environments: undefined,
      scopes: new Set(['config:read']),
      token: undefined,
      origin: ORIGIN,
    };
    expect(principals).toEqual([principal, principal]);
  });

  it.each([`key=${KEY}&key=${KEY}`, 'key=', `key=${KEY}x`])('is refused in ?%s', async (query) => {
    const { get } = await setUp();
    const response = await get(`/read?${query}`, { origin: ORIGIN });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('is refused without an origin or from another one, and says what to do', async () => {
    const { get } = await setUp();
    const missing = await get('/read', bearer(KEY));
    expect([missing.statusCode, missing.json().message]).toEqual([
      403,
      expect.stringContaining('no Origin header'),
    ]);
    for (const origin of ['null', 'http://shop.example', `${ORIGIN}.evil.example`]) {
      const other = await get('/read', { ...bearer(KEY), origin });
      expect([other.statusCode, other.json().cause]).toEqual([
        403,
        expect.stringContaining('allowedOrigins'),
      ]);
    }
  });

  it('is refused once it is revoked', async () => {
    const { get, change, page } = await setUp();
    await change(page, { revokedAt: page.createdAt });
    expect((await get('/read', { ...bearer(KEY), origin: ORIGIN })).statusCode).toBe(401);
  });

  it('is refused on routes for machines, even with their scope', async () => {
    const { get, change, page } = await setUp();
    await change(page, { scopes: ['config:read', 'config:write', 'config:admin'] });
    for (const url of ['/machines', '/write', '/admin']) {
      const response = await get(url, { ...bearer(KEY), origin: ORIGIN });
      expect(response.statusCode).toBe(403);
      expect(response.json().message).toContain('machine-to-machine');
    }
  });
});

it('does not take the credential of a machine client for a publishable key', async () => {
  const { get, insert } = await setUp();
  await insert({ credentialHash: hashCredential('pk_machine'), allowedOrigins: [ORIGIN] });
  expect((await get('/read', { ...bearer('pk_machine'), origin: ORIGIN })).statusCode).toBe(401);
});

it('grants no scope that the server does not know, even if the client has it', async () => {
  const { get, insert, issue, principals } = await setUp();
  const client = await insert({ scopes: ['config:read', 'config:everything'] });
  expect((await get('/read', bearer(await issue(client)))).statusCode).toBe(200);
  expect(principals[0]?.scopes).toEqual(new Set(['config:read']));
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Principal, SCOPES } from '../principal.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient } from '../storage/storage.ts';
import { authClientRow, environmentRow, insertShop, type Shop } from '../test-support/storage-fixtures.ts';
import { AuthClientService, type NewClient } from './auth-client-service.ts';
import { ClientDirectory } from './client-directory.ts';
import { hashCredential } from './credentials.ts';

const ORIGIN = 'https://shop.example';
const ALL_SCOPES = [...SCOPES];

/** An organization with the environments "development" and "staging", and an admin for all of it. */
async function setUp() {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const shop = await insertShop(storage);
  await storage.insertEnvironment(environmentRow(shop.organization, {}));
  const clients = new ClientDirectory(storage);
  const service = new AuthClientService({ storage, clients });
  const insert = async (fields: Partial<AuthClient>, owner: Shop = shop): Promise<AuthClient> => {
    const client = authClientRow(owner, fields);
    await storage.insertAuthClient(client);
    return client;
  };
  const admin = await insert({ scopes: ALL_SCOPES });
  const principal = (fields: Partial<Principal> = {}): Principal => ({
    clientId: admin.id,
    type: 'm2m',
    organizationId: shop.organization.id,
    environments: undefined,
    scopes: new Set(SCOPES),
    token: undefined,
    origin: undefined,
    ...fields,
  });
  return { storage, shop, clients, service, insert, admin, principal };
}

describe('a new client', () => {
  it('has the defaults of its type, and a credential of which only the hash is stored', async () => {
    const { storage, clients, service, principal, shop } = await setUp();
    const machine = await service.create(principal(), { type: 'm2m', name: ' api ' });
    const page = await service.create(principal(), { type: 'b2m', name: 'shop', allowedOrigins: [ORIGIN] });
    const common = {
      organizationId: shop.organization.id,
      environments: null,
      scopes: ['config:read'],
      revokedAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    };
    expect(machine).toEqual({
      ...common,
      id: expect.any(String),
      clientId: machine.id,
      type: 'm2m',
      name: 'api',
      allowedOrigins: [],
      clientSecret: expect.stringMatching(/^sk_[\w-]{43}$/),
    });
    expect(page).toEqual({
      ...common,
      id: expect.any(String),
      clientId: page.id,
      type: 'b2m',
      name: 'shop',
      allowedOrigins: [ORIGIN],
      publishableKey: expect.stringMatching(/^pk_[\w-]{43}$/),
    });
    const secret = 'clientSecret' in machine ? machine.clientSecret : '';
    const key = 'publishableKey' in page ? page.publishableKey : '';
    expect((await storage.findAuthClient(machine.id))?.credentialHash).toBe(hashCredential(secret));
    expect((await clients.findByCredential(secret))?.id).toBe(machine.id);
    expect((await clients.findByCredential(key))?.id).toBe(page.id);
    const listed = await service.list(shop.organization.id);
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([machine.id, page.id]));
    expect(JSON.stringify(listed)).not.toMatch(/hash|secret|key_|pk_|sk_/i);
  });

  it('is limited to the given environments and scopes', async () => {
    const { service, principal } = await setUp();
    const limits = { environments: ['staging'], scopes: ['config:read', 'config:write'] as const };
    const input: NewClient = { type: 'm2m', name: 'api', ...limits, scopes: [...limits.scopes] };
    expect(await service.create(principal(), input)).toMatchObject(limits);
  });

  it('makes its origins known at once', async () => {
    const { clients, service, principal, shop } = await setUp();
    const { id } = shop.organization;
    expect(await clients.allowsOrigin(id, ORIGIN)).toBe(false);
    await service.create(principal(), { type: 'b2m', name: 'shop', allowedOrigins: [ORIGIN] });
    expect(await clients.allowsOrigin(id, ORIGIN)).toBe(true);
  });

  it.each<[string, NewClient, string]>([
    ['no scope', { type: 'm2m', name: 'x', scopes: [] }, '"scopes"'],
    ['an empty list of environments', { type: 'm2m', name: 'x', environments: [] }, '"environments"'],
    [
      'an unknown environment',
      { type: 'm2m', name: 'x', environments: ['staging', 'mars'] },
      '"environments[1]": the environment "mars"',
    ],
    [
      'the environment of another organization',
      { type: 'm2m', name: 'x', environments: ['theirs'] },
      '"environments[0]"',
    ],
    ['origins of a machine', { type: 'm2m', name: 'x', allowedOrigins: [ORIGIN] }, '"allowedOrigins"'],
    [
      'a publishable key that writes',
      { type: 'b2m', name: 'x', scopes: ['config:read', 'config:write'], allowedOrigins: [ORIGIN] },
      '"scopes"',
    ],
    ['a publishable key without origins', { type: 'b2m', name: 'x' }, '"allowedOrigins" is required'],
  ])('is refused with %s', async (_name, input, field) => {
    const { storage, service, principal, shop } = await setUp();
    const other = await insertShop(storage);
    await storage.insertEnvironment(environmentRow(other.organization, { name: 'theirs' }));
    await expect(service.create(principal(), input)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(field),
    });
    expect(await service.list(shop.organization.id)).toHaveLength(1);
  });

  it.each<[string, string | undefined]>([
    ['*', undefined],
    ['null', undefined],
    ['shop.example', 'http://shop.example'],
    ['localhost', 'http://localhost'],
    ['localhost:5173', 'http://localhost:5173'],
    ['https://', undefined],
    ['https://*.example', 'https://*.example'],
    ['https://shop.example/path', ORIGIN],
    ['https://SHOP.example', ORIGIN],
    ['http://shop.example:80', 'http://shop.example'],
    ['ftp://shop.example', undefined],
    ['http-x://shop.example', undefined],
    ['xhttps://shop.example', undefined],
    ['blob:https://shop.example', undefined],
  ])('is refused with the origin %s', async (origin, example) => {
    const { service, principal } = await setUp();
    const input: NewClient = { type: 'b2m', name: 'x', allowedOrigins: [ORIGIN, origin] };
    const error: unknown = await service.create(principal(), input).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'invalid',
      message: `Field "allowedOrigins[1]" must be an origin: scheme://host[:port]${
        example === undefined ? '' : `, such as ${example}`
      }.`,
    });
  });

  it.each(['http://localhost:5173', 'https://shop.example:8443', 'http://[::1]:3000'])(
    'may have the origin %s',
    async (origin) => {
      const { service, principal } = await setUp();
      const created = await service.create(principal(), { type: 'b2m', name: 'x', allowedOrigins: [origin] });
      expect(created.allowedOrigins).toEqual([origin]);
    },
  );
});

describe('a caller', () => {
  const limits: [string, Partial<Principal>, Partial<AuthClient>][] = [
    [
      'lacks a scope of it',
      { scopes: new Set(['config:admin']) },
      { scopes: ['config:admin', 'config:write'] },
    ],
    [
      'may not use one of its environments',
      { environments: ['staging'] },
      { environments: ['staging', 'development'] },
    ],
    ['is limited, and the client is not', { environments: ['development', 'staging'] }, {}],
  ];

  it.each(limits)('cannot create a client if it %s', async (_name, caller, fields) => {
    const { service, principal } = await setUp();
    const input = { type: 'm2m', name: 'x', ...fields } as NewClient;
    await expect(service.create(principal(caller), input)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it.each(limits)('cannot change or revoke a client if it %s', async (_name, caller, fields) => {
    const { storage, service, insert, principal } = await setUp();
    const client = await insert(fields);
    const forbidden = { code: 'forbidden' };
    const harmless = { scopes: ['config:admin'], environments: ['staging'] } as const;
    const patch = { scopes: [...harmless.scopes], environments: [...harmless.environments] };
    await expect(service.update(principal(caller), client.id, patch)).rejects.toMatchObject(forbidden);
    await expect(service.revoke(principal(caller), client.id)).rejects.toMatchObject(forbidden);
    expect(await storage.findAuthClient(client.id)).toEqual(client);
  });

  it('cannot raise a client above its own rights', async () => {
    const { service, insert, principal } = await setUp();
    const client = await insert({ environments: ['staging'] });
    const caller = principal({ environments: ['staging'], scopes: new Set(['config:read', 'config:admin']) });
    for (const patch of [
      { environments: null },
      { environments: ['staging', 'development'] },
      { scopes: ['config:write' as const] },
    ]) {
      await expect(service.update(caller, client.id, patch)).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect(await service.update(caller, client.id, { scopes: ['config:admin'] })).toMatchObject({
      scopes: ['config:admin'],
      environments: ['staging'],
    });
  });

  it('neither sees, changes nor revokes the clients of another organization in the same storage', async () => {
    const { storage, service, insert, principal, shop, admin } = await setUp();
    const theirs = await insert({ name: 'theirs' }, await insertShop(storage));
    const notFound = { code: 'not-found' };
    await expect(service.update(principal(), theirs.id, { name: 'mine' })).rejects.toMatchObject(notFound);
    await expect(service.revoke(principal(), theirs.id)).rejects.toMatchObject(notFound);
    await expect(service.revoke(principal(), 'none')).rejects.toMatchObject(notFound);
    expect(await storage.findAuthClient(theirs.id)).toEqual(theirs);
    expect((await service.list(shop.organization.id)).map(({ id }) => id)).toEqual([admin.id]);
  });
});

describe('the last admin', () => {
  it.each<[string, Partial<AuthClient>]>([
    ['without the scope', { scopes: ['config:read', 'config:write'] }],
    ['that is revoked', { scopes: ALL_SCOPES, revokedAt: '2026-01-01T00:00:00.000Z' }],
  ])('cannot be revoked or lose its scope while there is another client %s', async (_name, fields) => {
    const { storage, service, insert, principal, admin } = await setUp();
    await insert(fields);
    await insert({ scopes: ALL_SCOPES }, await insertShop(storage));
    const conflict = { code: 'conflict', message: expect.stringContaining('last client') };
    await expect(service.revoke(principal(), admin.id)).rejects.toMatchObject(conflict);
    const patch = { scopes: ['config:read' as const] };
    await expect(service.update(principal(), admin.id, patch)).rejects.toMatchObject(conflict);
    expect(await storage.findAuthClient(admin.id)).toEqual(admin);
  });

  it('may change otherwise, and go when there is another', async () => {
    const { service, insert, principal, admin } = await setUp();
    const scopes = ['config:admin' as const];
    expect(await service.update(principal(), admin.id, { name: ' root ', scopes })).toMatchObject({
      name: 'root',
      scopes,
    });
    const second = await insert({ scopes: ALL_SCOPES });
    const third = await insert({ scopes: ALL_SCOPES });
    const reduced = await service.update(principal(), second.id, { scopes: ['config:read'] });
    expect(reduced.scopes).toEqual(['config:read']);
    await service.revoke(principal(), admin.id);
    await expect(service.revoke(principal(), third.id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('does not stand in the way of others, even if there is none', async () => {
    const { storage, service, insert, principal } = await setUp();
    const withoutAdmin = await insertShop(storage);
    const caller = principal({ organizationId: withoutAdmin.organization.id });
    const reader = await insert({}, withoutAdmin);
    const changed = await service.update(caller, reader.id, { scopes: ['config:write'] });
    expect(changed.scopes).toEqual(['config:write']);
    await service.revoke(caller, reader.id);
    expect((await storage.findAuthClient(reader.id))?.revokedAt).not.toBeNull();
  });
});

describe('the streams of a client', () => {
  const before: Partial<AuthClient> = {
    environments: ['development', 'staging'],
    scopes: ['config:read', 'config:write'],
  };
  const page: Partial<AuthClient> = { type: 'b2m', allowedOrigins: [ORIGIN, 'https://old.example'] };

  it.each<[string, Partial<AuthClient>, Parameters<AuthClientService['update']>[2]]>([
    ['a scope', before, { scopes: ['config:read'] }],
    ['an environment', before, { environments: ['staging'] }],
    ['all other environments', {}, { environments: ['development', 'staging'] }],
    ['an origin', page, { allowedOrigins: [ORIGIN] }],
    ['a scope for another one', before, { scopes: ['config:read', 'config:admin'] }],
  ])('end when it loses %s', async (_name, fields, patch) => {
    const { clients, service, insert, principal } = await setUp();
    const client = await insert(fields);
    const lost = vi.fn();
    clients.onRevoked(client.id, lost);
    await service.update(principal(), client.id, patch);
    expect(lost).toHaveBeenCalledTimes(1);
    expect(await clients.find(client.id)).toMatchObject(patch);
  });

  it.each<[string, Partial<AuthClient>, Parameters<AuthClientService['update']>[2]]>([
    ['a name', before, { name: 'new' }],
    ['a scope', before, { scopes: [...ALL_SCOPES] }],
    ['an environment', { environments: ['staging'] }, { environments: ['development', 'staging'] }],
    ['all environments', before, { environments: null }],
    ['an origin', page, { allowedOrigins: [ORIGIN, 'https://old.example', 'https://new.example'] }],
  ])('stay open when it gets %s', async (_name, fields, patch) => {
    const { clients, service, insert, principal } = await setUp();
    const client = await insert(fields);
    const lost = vi.fn();
    const stop = clients.onRevoked(client.id, lost);
    await service.update(principal(), client.id, patch);
    expect(lost).not.toHaveBeenCalled();
    expect(await clients.find(client.id)).toMatchObject(patch);
    stop();
  });

  it('end when it is revoked, which happens once and for good', async () => {
    const { storage, clients, service, insert, principal } = await setUp();
    const client = await insert({});
    expect(await clients.find(client.id)).toEqual(client);
    const lost = vi.fn();
    clients.onRevoked(client.id, lost);
    await service.revoke(principal(), client.id);
    expect(lost).toHaveBeenCalledTimes(1);
    const revoked = await storage.findAuthClient(client.id);
    expect(Date.parse(revoked?.revokedAt ?? '')).toBeGreaterThan(Date.parse(client.createdAt));
    expect(await clients.find(client.id)).toEqual(revoked);
    // A caller with fewer rights than the client changes nothing, so it is not refused.
    await service.revoke(principal({ scopes: new Set() }), client.id);
    expect(await storage.findAuthClient(client.id)).toEqual(revoked);
    await expect(service.update(principal(), client.id, { name: 'back' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('revoked'),
    });
  });
});

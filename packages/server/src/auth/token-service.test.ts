import { randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BoundedMap } from '../lib/bounded-map.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import { TokenService } from './token-service.ts';

const ISSUER = 'http://issuer.example';
const TTL_SEC = 600;
const client = { id: 'shop', organizationId: 'organization' } as AuthClient;

async function setUp(change: (storage: Storage) => Storage = (storage) => storage) {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const service = await TokenService.open(change(storage), { ttlSec: TTL_SEC });
  const issue = async (scopes: readonly string[] = ['config:read']): Promise<string> =>
    (await service.issue(client, scopes, ISSUER)).accessToken;
  return { storage, service, issue };
}

/** Signs claims with the service's own key. */
async function signerOf(storage: Storage) {
  const [stored] = await storage.listSigningKeys();
  const key = await importJWK(stored?.privateJwk as JWK, 'ES256');
  return (claims: JWTPayload = {}, header: Record<string, unknown> = {}): Promise<string> => {
    const nowSec = Math.floor(Date.now() / 1000);
    const times = { iat: nowSec, exp: nowSec + TTL_SEC };
    const good = { sub: 'shop', org: 'o', scope: 'config:read', aud: 'smooai-config', jti: 'id', ...times };
    // JSON leaves out what is undefined.
    return new SignJWT(JSON.parse(JSON.stringify({ ...good, ...claims })))
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(stored?.kid), ...header })
      .sign(key);
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('an access token', () => {
  it('says for whom, from whom, for what and for how long it is', async () => {
    const { service, storage } = await setUp();
    const { accessToken, expiresInSec } = await service.issue(
      client,
      ['config:read', 'config:write'],
      ISSUER,
    );
    const [key] = await storage.listSigningKeys();
    expect(expiresInSec).toBe(TTL_SEC);
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: key?.kid });
    const claims = decodeJwt(accessToken);
    expect(claims).toEqual({
      iss: ISSUER,
      sub: 'shop',
      client_id: 'shop',
      org: 'organization',
      scope: 'config:read config:write',
      aud: 'smooai-config',
      iat: expect.any(Number),
      exp: Number(claims.iat) + TTL_SEC,
      jti: expect.any(String),
    });
    expect(Math.abs(Number(claims.iat) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('is verified, again from memory', async () => {
    const { service, issue } = await setUp();
    const token = await issue(['config:read', 'config:write']);
    const claims = await service.verify(token);
    expect(claims).toEqual({
      jti: decodeJwt(token).jti,
      clientId: 'shop',
      organizationId: 'organization',
      scopes: ['config:read', 'config:write'],
      expiresAtSec: decodeJwt(token).exp,
    });
    expect(await service.verify(token)).toBe(claims);
    expect(await service.verify(await issue([]))).toMatchObject({ scopes: [] });
  });

  it('is refused from the second in which it expires, in memory or not', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { service, issue } = await setUp();
    const [known, other] = [await issue(), await issue()];
    const expiresAtMs = Number(decodeJwt(known).exp) * 1000;
    vi.setSystemTime(expiresAtMs - 1);
    expect(await service.verify(known)).toBeDefined();
    vi.setSystemTime(expiresAtMs);
    expect([await service.verify(known), await service.verify(other)]).toEqual([undefined, undefined]);
    // It has left the memory too.
    vi.setSystemTime(expiresAtMs - 1);
    expect(await service.verify(known)).toBeDefined();
  });

  it.each<[string, JWTPayload, Record<string, unknown>]>([
    ['another audience', { aud: 'another' }, {}],
    ['no audience', { aud: undefined as never }, {}],
    ['no expiry', { exp: undefined as never }, {}],
    ['no time of issue', { iat: undefined as never }, {}],
    ['no id', { jti: undefined as never }, {}],
    ['an id that is not a string', { jti: 1 as never }, {}],
    ['no subject', { sub: undefined as never }, {}],
    ['a subject that is not a string', { sub: 1 as never }, {}],
    ['no organization', { org: undefined }, {}],
    ['an organization that is not a string', { org: 1 }, {}],
    ['no scope', { scope: undefined }, {}],
    ['a list of scopes', { scope: ['config:read'] }, {}],
    ['another type', {}, { typ: 'JWT' }],
    ['no type', {}, { typ: undefined }],
    ['another key', {}, { kid: 'other' }],
    ['no key', {}, { kid: undefined }],
  ])('signed with the service’s own key is refused with %s', async (_name, claims, header) => {
    const { service, storage } = await setUp();
    const sign = await signerOf(storage);
    expect(await service.verify(await sign())).toMatchObject({ clientId: 'shop', scopes: ['config:read'] });
    expect(await service.verify(await sign(claims, header))).toBeUndefined();
  });

  it('has the scopes between any number of spaces', async () => {
    const { service, storage } = await setUp();
    const sign = await signerOf(storage);
    const claims = await service.verify(await sign({ scope: ' config:read  config:write ' }));
    expect(claims?.scopes).toEqual(['config:read', 'config:write']);
  });
});

describe('a revoked token', () => {
  it('is refused from then on, and only it', async () => {
    const { service, issue } = await setUp();
    const [revoked, other] = [await issue(), await issue()];
    const claims = await service.verify(revoked);
    const kept = await service.verify(other);
    if (claims === undefined) throw new Error('The token is not valid.');
    await service.revoke(claims);
    expect(await service.verify(revoked)).toBeUndefined();
    expect(await service.verify(other)).toBe(kept);
  });

  it('calls the listeners of that token once, unless they have stopped', async () => {
    const { service } = await setUp();
    const claims = { jti: 'a', clientId: 'c', organizationId: 'o', scopes: [], expiresAtSec: 4_000_000_000 };
    const [listener, stopped, ofOther] = [vi.fn(), vi.fn(), vi.fn()];
    service.onRevoked('a', listener);
    service.onRevoked('a', stopped)();
    service.onRevoked('b', ofOther);
    await service.revoke(claims);
    await service.revoke(claims);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(stopped).not.toHaveBeenCalled();
    expect(ofOther).not.toHaveBeenCalled();
  });

  it('does not call a listener that an earlier one has stopped', async () => {
    const { service } = await setUp();
    const second = vi.fn();
    let stop = (): void => undefined;
    service.onRevoked('a', () => stop());
    stop = service.onRevoked('a', second);
    await service.revoke({ jti: 'a', clientId: 'c', organizationId: 'o', scopes: [], expiresAtSec: 1 });
    expect(second).not.toHaveBeenCalled();
  });

  it('is not kept as valid by a verification that began before', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isFirst = true;
    const { service, issue } = await setUp((storage) => ({
      ...storage,
      isTokenRevoked: async (id) => {
        const isRevoked = await storage.isTokenRevoked(id);
        if (isFirst) {
          isFirst = false;
          await gate;
        }
        return isRevoked;
      },
    }));
    const token = await issue();
    const early = service.verify(token);
    await vi.waitFor(() => expect(isFirst).toBe(false), { timeout: 30_000 });
    const claims = await service.verify(token);
    if (claims === undefined) throw new Error('The token is not valid.');
    await service.revoke(claims);
    release();
    await early;
    expect(await service.verify(token)).toBeUndefined();
  });
});

describe('the stored signing keys', () => {
  it('are used again after a restart', async () => {
    const { storage, issue } = await setUp();
    const again = await TokenService.open(storage, { ttlSec: TTL_SEC });
    expect(await again.verify(await issue())).toBeDefined();
  });

  it('are published without their private part', async () => {
    const { service, storage } = await setUp();
    const [stored] = await storage.listSigningKeys();
    const { kty, crv, x, y } = (stored?.privateJwk ?? {}) as JWK;
    const { kid } = stored ?? {};
    expect(service.jwks()).toEqual({ keys: [{ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }] });
  });

  it.each([
    ['another value for kty', { kty: 1 }],
    ['no string for crv', { crv: 1 }],
    ['no string for x', { x: 1 }],
    ['no string for y', { y: 1 }],
    ['no string for d', { d: 1 }],
    ['null', null],
    ['a string', 'text'],
  ])('are refused as damaged with %s', async (_name, change) => {
    const { storage } = await setUp();
    const [stored] = await storage.listSigningKeys();
    const isChange = typeof change === 'object' && change !== null;
    const privateJwk = isChange ? { ...(stored?.privateJwk as object), ...change } : change;
    const listSigningKeys = async () => [{ kid: 'k1', createdAt: '', privateJwk }] as never;
    await expect(TokenService.open({ ...storage, listSigningKeys }, { ttlSec: 1 })).rejects.toMatchObject({
      message: 'The stored signing key k1 is damaged.',
    });
  });
});

describe('the memory of the service', () => {
  it('has room for 10,000 verified tokens; one that is used less is verified again', async () => {
    const remembered = vi.spyOn(BoundedMap.prototype, 'set');
    onTestFinished(() => remembered.mockRestore());
    const { service, issue } = await setUp();
    const [first, used] = [await issue(), await issue()];
    const claims = [await service.verify(first), await service.verify(used)];
    const [map] = remembered.mock.contexts as BoundedMap<string, unknown>[];
    remembered.mockRestore();
    // Signing as many real tokens would take long.
    for (let index = 2; index < 10_000; index += 1) map?.set(`${index}`, claims[0]);
    expect(map?.size).toBe(10_000);
    expect(await service.verify(used)).toBe(claims[1]);
    map?.set('one more', claims[0]);
    expect(map?.size).toBe(10_000);
    expect(await service.verify(used)).toBe(claims[1]);
    const again = await service.verify(first);
    expect(again).toEqual(claims[0]);
    expect(again).not.toBe(claims[0]);
    expect(map?.size).toBe(10_000);
  });

  it('has room for 100,000 revoked tokens, for the time without the shared storage', async () => {
    const { service } = await setUp((storage) => ({
      ...storage,
      shared: {} as never,
      isTokenRevoked: () => Promise.reject(new StorageError('ERR_STORAGE_UNAVAILABLE', 'away')),
    }));
    for (let index = 0; index < 100_000; index += 1) service.revokedElsewhere(`${index}`);
    expect([await service.isRevoked('0'), await service.isRevoked('another')]).toEqual([true, false]);
    // The use of "0" makes "1" the oldest.
    service.revokedElsewhere('another');
    const revoked = ['0', '1', '2', '99999', 'another'].map((id) => service.isRevoked(id));
    expect(await Promise.all(revoked)).toEqual([true, false, true, true, true]);
  });
});

it('a revocation is forgotten once its token has expired, and not before', async () => {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const service = await TokenService.open(storage, { ttlSec: 600 });
  const nowSec = Math.floor(Date.now() / 1000);
  const claims = { clientId: 'a', organizationId: 'o', scopes: [] };
  await storage.insertRevokedToken('expired', nowSec - 1);
  await service.revoke({ ...claims, jti: 'first', expiresAtSec: nowSec + 600 });
  await service.revoke({ ...claims, jti: 'second', expiresAtSec: nowSec + 600 });
  const revoked = ['expired', 'first', 'second'].map((id) => service.isRevoked(id));
  expect(await Promise.all(revoked)).toEqual([false, true, true]);
});

describe('the signing keys', () => {
  it('are one after two first starts at once, and each accepts the tokens of the other', async () => {
    const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
    onTestFinished(() => storage.close());
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => TokenService.open(storage, { ttlSec: 600 })),
    );
    expect(await storage.listSigningKeys()).toHaveLength(1);
    for (const service of opened) expect(service.jwks()).toEqual(opened[0]?.jwks());
    const issued = await opened[0]?.issue(client, ['config:read'], 'http://issuer.example');
    expect(await opened[3]?.verify(String(issued?.accessToken))).toMatchObject({
      clientId: 'shop',
      organizationId: 'organization',
      scopes: ['config:read'],
    });
  });

  it('are published without their private part', async () => {
    const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
    onTestFinished(() => storage.close());
    const service = await TokenService.open(storage, { ttlSec: 600 });
    for (const key of service.jwks().keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    }
  });

  it('include older ones, whose tokens still work; new tokens are signed with the newest', async () => {
    const [one, two] = await Promise.all(
      ['a', 'b'].map(async () => {
        const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
        onTestFinished(() => storage.close());
        return storage;
      }),
    );
    if (one === undefined || two === undefined) throw new Error('No storage.');
    const before = await TokenService.open(one, { ttlSec: 600 });
    await TokenService.open(two, { ttlSec: 600 });
    const old = await before.issue(client, ['config:read'], 'http://issuer.example');
    const [key] = await two.listSigningKeys();
    if (key === undefined) throw new Error('No key.');
    await one.insertSigningKey({ ...key, createdAt: '9999-01-01T00:00:00.000Z' });
    const after = await TokenService.open(one, { ttlSec: 600 });
    expect(await after.verify(old.accessToken)).toMatchObject({ clientId: 'shop' });
    const fresh = await after.issue(client, ['config:read'], 'http://issuer.example');
    expect(await before.verify(fresh.accessToken)).toBeUndefined();
  });
});

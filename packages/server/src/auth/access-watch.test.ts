import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Principal } from '../principal.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { countOpenListeners } from '../test-support/open-listeners.ts';
import { AccessWatch, endOfStreamMs } from './access-watch.ts';
import { ClientDirectory } from './client-directory.ts';
import { TokenService } from './token-service.ts';

const DAY_SEC = 24 * 3600;

interface Setup {
  storage: Storage;
  tokens: TokenService;
  clients: ClientDirectory;
  watch: AccessWatch;
  client: AuthClient;
  principal: (fields?: Partial<Principal>) => Principal;
}

async function setUp(): Promise<Setup> {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const createdAt = new Date().toISOString();
  const organizationId = randomUUID();
  await storage.insertOrganization({ id: organizationId, name: 'test', createdAt });
  const client: AuthClient = {
    id: randomUUID(),
    organizationId,
    type: 'm2m',
    name: 'api',
    credentialHash: 'x',
    environments: ['development', 'staging'],
    scopes: ['config:read', 'config:write'],
    allowedOrigins: ['https://shop.example'],
    createdAt,
    revokedAt: null,
  };
  await storage.insertAuthClient(client);
  const tokens = await TokenService.open(storage, { ttlSec: 3600 });
  const clients = new ClientDirectory(storage);
  const principal = (fields: Partial<Principal> = {}): Principal => ({
    clientId: client.id,
    type: 'm2m',
    organizationId,
    environments: client.environments ?? undefined,
    scopes: new Set(['config:read', 'config:write']),
    token: { id: randomUUID(), expiresAtSec: Math.floor(Date.now() / 1000) + 3600 },
    origin: undefined,
    ...fields,
  });
  return { storage, tokens, clients, watch: new AccessWatch({ tokens, clients }), client, principal };
}

describe('access that was lost between authentication and the opening of the stream', () => {
  it.each<[string, Partial<AuthClient>, Partial<Principal>]>([
    ['the client was revoked', { revokedAt: '2026-01-01T00:00:00.000Z' }, {}],
    ['the client lost a scope', { scopes: ['config:read'] }, {}],
    ['the client lost an environment', { environments: ['development'] }, {}],
    ['the client was limited to some environments', {}, { environments: undefined }],
    ['the key lost its origin', { allowedOrigins: [] }, { origin: 'https://shop.example' }],
    ['the client is unknown', {}, { clientId: 'unknown' }],
  ])('is noticed: %s', async (_name, change, fields) => {
    const { storage, watch, client, principal } = await setUp();
    await storage.updateAuthClient({ ...client, ...change });
    await new Promise<void>((resolve) => {
      watch.onLost(principal(fields), resolve);
    });
  });

  it('is noticed: the token was revoked', async () => {
    const { storage, watch, principal } = await setUp();
    const caller = principal();
    await storage.insertRevokedToken(String(caller.token?.id), Number(caller.token?.expiresAtSec));
    await new Promise<void>((resolve) => {
      watch.onLost(caller, resolve);
    });
  });

  it('is not assumed, nor for another token', async () => {
    const { storage, watch, client, principal } = await setUp();
    const lost = vi.fn();
    const stops = [
      watch.onLost(principal(), lost),
      watch.onLost(principal({ scopes: new Set(['config:read']) }), lost),
      watch.onLost(principal({ environments: ['staging'] }), lost),
      watch.onLost(principal({ origin: 'https://shop.example', token: undefined }), lost),
    ];
    await storage.insertRevokedToken('another', 1);
    await storage.updateAuthClient({ ...client, name: 'renamed' });
    for (let turn = 0; turn < 5; turn += 1) await storage.ping();
    expect(lost).not.toHaveBeenCalled();
    for (const stop of stops) stop();
  });

  it('is assumed if it cannot be checked', async () => {
    const { storage, watch, principal } = await setUp();
    const caller = principal();
    await storage.close();
    await new Promise<void>((resolve) => {
      watch.onLost(caller, resolve);
    });
  });
});

it('listeners are called once, and not after they have stopped', async () => {
  const { tokens, watch, client, principal } = await setUp();
  const caller = principal();
  const [lost, stopped] = [vi.fn(), vi.fn()];
  watch.onLost(caller, lost);
  watch.onLost(caller, stopped)();
  const claims = {
    jti: String(caller.token?.id),
    clientId: client.id,
    organizationId: client.organizationId,
    scopes: [],
    expiresAtSec: Number(caller.token?.expiresAtSec),
  };
  await tokens.revoke(claims);
  await tokens.revoke(claims);
  expect(lost).toHaveBeenCalledTimes(1);
  expect(stopped).not.toHaveBeenCalled();
});

it('a listener is called once, although its token and then its client are revoked', async () => {
  const { tokens, clients, watch, client, principal } = await setUp();
  const caller = principal();
  const lost = vi.fn();
  watch.onLost(caller, lost);
  const { id: jti, expiresAtSec } = caller.token ?? { id: '', expiresAtSec: 0 };
  const claims = {
    jti,
    clientId: client.id,
    organizationId: client.organizationId,
    scopes: [],
    expiresAtSec,
  };
  await tokens.revoke(claims);
  clients.changed({ ...client, revokedAt: client.createdAt });
  expect(lost).toHaveBeenCalledTimes(1);
});

it('a listener is called when its client is revoked', async () => {
  const { clients, watch, client, principal } = await setUp();
  const lost = vi.fn();
  watch.onLost(principal({ token: undefined }), lost);
  clients.changed(client);
  expect(lost).not.toHaveBeenCalled();
  clients.changed({ ...client, revokedAt: client.createdAt });
  expect(lost).toHaveBeenCalledTimes(1);
});

it('a caller whose earlier streams have all ended is watched again', async () => {
  const { tokens, clients, watch, client, principal } = await setUp();
  const caller = principal();
  const counts = [
    countOpenListeners(ClientDirectory.prototype, 'onRevoked'),
    countOpenListeners(TokenService.prototype, 'onRevoked'),
  ];
  const lost = vi.fn();
  watch.onLost(caller, lost)();
  watch.onLost(caller, lost);
  await tokens.revoke({
    jti: String(caller.token?.id),
    clientId: client.id,
    organizationId: client.organizationId,
    scopes: [],
    expiresAtSec: Number(caller.token?.expiresAtSec),
  });
  expect(lost).toHaveBeenCalledTimes(1);
  watch.onLost(principal(), lost);
  clients.changed({ ...client, revokedAt: client.createdAt });
  expect(lost).toHaveBeenCalledTimes(2);
  expect(counts.map(({ open }) => open)).toEqual([0, 0]);
});

it('a listener that stops before the access was checked is not called', async () => {
  const { storage, watch, client, principal } = await setUp();
  await storage.updateAuthClient({ ...client, scopes: [] });
  const stopped = vi.fn();
  watch.onLost(principal(), stopped)();
  await new Promise<void>((resolve) => {
    watch.onLost(principal(), resolve);
  });
  expect(stopped).not.toHaveBeenCalled();
});

it('a client for all environments keeps its access', async () => {
  const { storage, watch, client, principal } = await setUp();
  await storage.updateAuthClient({ ...client, environments: null });
  const lost = vi.fn();
  const stop = watch.onLost(principal({ environments: undefined }), lost);
  // A later check of another caller ends after the first one.
  await new Promise<void>((resolve) => {
    watch.onLost(principal({ clientId: 'unknown' }), resolve);
  });
  expect(lost).not.toHaveBeenCalled();
  stop();
});

describe('a token that expires', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    // A token expires at a whole second, so what is left of its life depends on when in a second the test begins.
    vi.setSystemTime(1_800_000_001_000);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it.each([1, 60, 3600, 30 * DAY_SEC])(
    'ends the stream shortly before it expires after %i s',
    async (lifeSec) => {
      const { watch, principal } = await setUp();
      const expiresAtSec = Math.floor(Date.now() / 1000) + lifeSec;
      const lost = vi.fn();
      watch.onLost(principal({ token: { id: 'a', expiresAtSec } }), lost);
      const leftMs = expiresAtSec * 1000 - Date.now();
      await vi.advanceTimersByTimeAsync(leftMs - Math.min(leftMs / 10, 30_000) - 5);
      expect(lost).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(Math.min(leftMs / 10, 30_000) + 10);
      expect(lost).toHaveBeenCalledTimes(1);
    },
  );

  it.each([1, 2, 7, 60])('ends the stream when it expires after %i s at the latest', async (lifeSec) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { watch, principal } = await setUp();
    const lost = vi.fn();
    watch.onLost(principal({ token: { id: 'a', expiresAtSec: 1_800_000_001 + lifeSec } }), lost);
    await vi.advanceTimersByTimeAsync(lifeSec * 1000 - 1);
    expect(lost).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  it('ends a stream at once that opens after it has expired', async () => {
    const { watch, principal } = await setUp();
    const lost = vi.fn();
    watch.onLost(principal({ token: { id: 'a', expiresAtSec: Math.floor(Date.now() / 1000) - 5 } }), lost);
    await vi.advanceTimersByTimeAsync(1);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  it('has one listener and few timers for all of its streams, which end with the last of them', async () => {
    const { watch, principal } = await setUp();
    const counts = [
      countOpenListeners(ClientDirectory.prototype, 'onRevoked'),
      countOpenListeners(TokenService.prototype, 'onRevoked'),
    ];
    const before = vi.getTimerCount();
    const caller = principal();
    const lost = vi.fn();
    const stops = Array.from({ length: 1_000 }, () => watch.onLost(caller, lost));
    expect(counts.map(({ open }) => open)).toEqual([1, 1]);
    // One for each quarter of the last 30 s.
    expect(vi.getTimerCount() - before).toBeLessThanOrEqual(121);
    for (const stop of stops.splice(1)) stop();
    expect(vi.getTimerCount() - before).toBe(1);
    expect(counts.map(({ open }) => open)).toEqual([1, 1]);
    stops[0]?.();
    expect(vi.getTimerCount()).toBe(before);
    expect(counts.map(({ open }) => open)).toEqual([0, 0]);
    expect(lost).not.toHaveBeenCalled();
  });

  it('ends all of its streams, each once', async () => {
    const { watch, principal } = await setUp();
    const caller = principal();
    const streams = Array.from({ length: 100 }, () => vi.fn());
    for (const lost of streams) watch.onLost(caller, lost);
    await vi.advanceTimersByTimeAsync(3_601_000);
    for (const lost of streams) expect(lost).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer behind when the stream ends first', async () => {
    const { watch, principal } = await setUp();
    const before = vi.getTimerCount();
    watch.onLost(principal(), () => undefined)();
    expect(vi.getTimerCount()).toBe(before);
    // Longer than one timer can wait.
    const expiresAtSec = Math.floor(Date.now() / 1000) + 40 * DAY_SEC;
    const stop = watch.onLost(principal({ token: { id: 'a', expiresAtSec } }), () => undefined);
    await vi.advanceTimersByTimeAsync(30 * DAY_SEC * 1000);
    expect(vi.getTimerCount()).toBe(before + 1);
    stop();
    expect(vi.getTimerCount()).toBe(before);
  });
});

it('2,000 streams whose tokens expire together do not end within one second', () => {
  const nowMs = 1_000_000;
  const expiresAtMs = nowMs + 3_600_000;
  const ends = Array.from({ length: 2_000 }, () => endOfStreamMs(expiresAtMs, { nowMs }));
  const perSecond = new Map<number, number>();
  for (const end of ends) {
    expect(end).toBeLessThanOrEqual(expiresAtMs);
    expect(end).toBeGreaterThanOrEqual(expiresAtMs - 30_000);
    const second = Math.floor(end / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  expect(Math.max(...perSecond.values())).toBeLessThan(200);
  expect(endOfStreamMs(nowMs + 1000, { nowMs, random: () => 1 })).toBe(nowMs + 900);
  expect(endOfStreamMs(nowMs + 1000, { nowMs, random: () => 0 })).toBe(nowMs + 1000);
  expect(endOfStreamMs(nowMs - 1000, { nowMs, random: () => 1 })).toBe(nowMs - 1000);
});

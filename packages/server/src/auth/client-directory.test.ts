import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { AuthClient, Storage } from '../storage/storage.ts';
import { ClientDirectory } from './client-directory.ts';
import { hashCredential } from './credentials.ts';

const KEY = 'pk_test';

async function storageWithClient(): Promise<{ storage: Storage; client: AuthClient }> {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const createdAt = new Date().toISOString();
  const organizationId = randomUUID();
  await storage.insertOrganization({ id: organizationId, name: 'test', createdAt });
  const client: AuthClient = {
    id: randomUUID(),
    organizationId,
    type: 'b2m',
    name: 'shop',
    credentialHash: hashCredential(KEY),
    environments: null,
    scopes: ['config:read'],
    allowedOrigins: ['https://shop.example'],
    createdAt,
    revokedAt: null,
  };
  await storage.insertAuthClient(client);
  return { storage, client };
}

it('does not cache what a read saw before a change', async () => {
  const { storage, client } = await storageWithClient();
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow: Storage = {
    ...storage,
    findAuthClient: async (id) => {
      const found = await storage.findAuthClient(id);
      await gate;
      return found;
    },
  };
  const directory = new ClientDirectory(slow);
  const early = directory.find(client.id);
  // The storage runs calls in order: after this, the read has seen the old state.
  await storage.ping();
  const revoked = { ...client, revokedAt: new Date().toISOString() };
  await storage.updateAuthClient(revoked);
  directory.changed(revoked);
  release();
  expect(await early).toMatchObject({ revokedAt: null });
  expect(await directory.find(client.id)).toEqual(revoked);
});

it('calls its listeners once for a revocation, even one that came first', async () => {
  const { storage, client } = await storageWithClient();
  const directory = new ClientDirectory(storage);
  const calls: string[] = [];
  directory.onRevoked(client.id, () => calls.push('open'));
  directory.onRevoked(client.id, () => calls.push('stopped'))();
  await directory.find(client.id);
  directory.changed(client);
  expect(calls).toEqual([]);
  const revoked = { ...client, revokedAt: new Date().toISOString() };
  await storage.updateAuthClient(revoked);
  directory.changed(revoked);
  directory.changed(revoked);
  expect(calls).toEqual(['open']);
  await new Promise<void>((resolve) => {
    directory.onRevoked(client.id, resolve);
  });
});

it('finds a client by its key in its current state', async () => {
  const { storage, client } = await storageWithClient();
  const directory = new ClientDirectory(storage);
  expect(await directory.findByCredential(KEY)).toEqual(client);
  expect(await directory.findByCredential('pk_other')).toBeUndefined();
  const renamed = { ...client, name: 'new' };
  await storage.updateAuthClient(renamed);
  directory.changed(renamed);
  expect(await directory.findByCredential(KEY)).toEqual(renamed);
});

it('sees a change by another process after five seconds at the latest, and not by every call', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { storage, client } = await storageWithClient();
  const directory = new ClientDirectory(storage);
  const [origin] = client.allowedOrigins;
  const state = async () => [
    (await directory.find(client.id))?.revokedAt,
    (await directory.findByCredential(KEY))?.revokedAt,
    await directory.allowsOrigin(client.organizationId, String(origin)),
  ];
  expect(await state()).toEqual([null, null, true]);
  const revokedAt = new Date().toISOString();
  await storage.updateAuthClient({ ...client, revokedAt });
  vi.advanceTimersByTime(4_999);
  expect(await state()).toEqual([null, null, true]);
  vi.advanceTimersByTime(1);
  expect(await state()).toEqual([revokedAt, revokedAt, false]);
});

it('allows the origins of keys that are not revoked, as they are after each change', async () => {
  const { storage, client } = await storageWithClient();
  const directory = new ClientDirectory(storage);
  const allows = (origin: string) => directory.allowsOrigin(client.organizationId, origin);
  expect(await allows('https://shop.example')).toBe(true);
  const moved = { ...client, allowedOrigins: ['https://new.example'] };
  await storage.updateAuthClient(moved);
  directory.changed(moved, { mayDoLess: true });
  expect([await allows('https://shop.example'), await allows('https://new.example')]).toEqual([false, true]);
  const machine: AuthClient = { ...client, id: randomUUID(), type: 'm2m', credentialHash: 'x' };
  await storage.insertAuthClient(machine);
  directory.changed(machine);
  expect(await allows('https://shop.example')).toBe(false);
});

it('does not cache the origins that a read saw before a change', async () => {
  const { storage, client } = await storageWithClient();
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const listAuthClients: Storage['listAuthClients'] = async (id) => {
    const found = await storage.listAuthClients(id);
    await gate;
    return found;
  };
  const directory = new ClientDirectory({ ...storage, listAuthClients });
  const early = directory.allowsOrigin(client.organizationId, 'https://shop.example');
  await storage.ping();
  const revoked = { ...client, revokedAt: new Date().toISOString() };
  await storage.updateAuthClient(revoked);
  directory.changed(revoked);
  release();
  expect(await early).toBe(true);
  expect(await directory.allowsOrigin(client.organizationId, 'https://shop.example')).toBe(false);
});

it('calls its listeners when a client loses rights, and not when it changes otherwise', async () => {
  const { storage, client } = await storageWithClient();
  const directory = new ClientDirectory(storage);
  const listener = vi.fn();
  directory.onRevoked(client.id, listener);
  directory.changed({ ...client, name: 'new' });
  expect(listener).not.toHaveBeenCalled();
  directory.changed(client, { mayDoLess: true });
  expect(listener).toHaveBeenCalledTimes(1);
});

it('caches a thousand clients, and the origins of a hundred organizations', async () => {
  const { storage, client } = await storageWithClient();
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const reads: string[] = [];
  const directory = new ClientDirectory({
    ...storage,
    findAuthClient: (id) => {
      reads.push(id);
      return Promise.resolve({ ...client, id });
    },
    listAuthClients: (organizationId) => {
      reads.push(organizationId);
      return Promise.resolve([{ ...client, organizationId }]);
    },
  });
  const readsFor = async (count: number, ask: (name: string) => Promise<unknown>): Promise<string[]> => {
    for (let index = 0; index <= count; index += 1) await ask(`${index}`);
    reads.length = 0;
    for (const name of [`${count}`, '1', '0']) await ask(name);
    return reads.splice(0);
  };
  expect(await readsFor(1_000, (id) => directory.find(id))).toEqual(['0']);
  expect(await readsFor(100, (id) => directory.allowsOrigin(id, 'https://shop.example'))).toEqual(['0']);
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CHANGE_BYTES } from '../storage/sql/change-operations.ts';
import type { AccessChange, Storage } from '../storage/storage.ts';
import { at, environmentRow, insertShop, type Shop, valueRow } from './storage-fixtures.ts';

/**
 * The part of the storage contract that lets processes follow each other's writes.
 *
 * @param open opens a new, empty storage; the suite closes it
 */
export function describeReplicaContract(name: string, open: () => Promise<Storage>): void {
  describe(`the storage contract for replicas: ${name}`, () => {
    let storage: Storage;
    let shop: Shop;
    beforeEach(async () => {
      storage = await open();
      shop = await insertShop(storage);
    });
    afterEach(() => storage.close());

    it('keeps its epoch until it is renewed, which only the first of several can do', async () => {
      const epoch = await storage.readEpoch();
      expect(epoch).toMatch(/^[0-9a-f]{12}$/);
      await storage.renewEpoch('another one');
      expect(await storage.readEpoch()).toBe(epoch);
      await Promise.all([storage.renewEpoch(epoch), storage.renewEpoch(epoch)]);
      const renewed = await storage.readEpoch();
      expect(renewed).not.toBe(epoch);
      await storage.renewEpoch(epoch);
      expect(await storage.readEpoch()).toBe(renewed);
    });

    it('reads the revisions of those environments that exist', async () => {
      const staging = environmentRow(shop.organization, { revision: 2 ** 40 });
      await storage.insertEnvironment(staging);
      expect(await storage.readRevisions([shop.environment.id, staging.id, 'nothing'])).toEqual(
        new Map([
          [shop.environment.id, 0],
          [staging.id, 2 ** 40],
        ]),
      );
      expect(await storage.readRevisions([])).toEqual(new Map());
    });

    it('keeps with a change whether more is new than its values', async () => {
      const environmentId = shop.environment.id;
      await storage.appendChange({ environmentId, revision: 1, changes: [], at: at(), needsReload: true });
      await storage.appendChange({ environmentId, revision: 2, changes: [], at: at() });
      await storage.updateEnvironment({ ...shop.environment, revision: 2 });
      const records = await storage.listChangesSince(environmentId, 0);
      expect(records?.map((record) => record.needsReload)).toEqual([true, undefined]);
    });

    it('keeps a change up to 16 MiB, and otherwise neither it nor those before it', async () => {
      const environmentId = shop.environment.id;
      const change = { tier: 'public', key: 'apiBaseUrl' } as const;
      const rest = JSON.stringify([{ ...change, value: '' }]).length;
      const append = async (revision: number, bytes: number) => {
        const changes = [{ ...change, value: 'x'.repeat(bytes - rest) }];
        await storage.appendChange({ environmentId, revision, changes, at: at() });
        await storage.updateEnvironment({ ...shop.environment, revision });
      };
      const since = async (revision: number) =>
        (await storage.listChangesSince(environmentId, revision))?.map((record) => record.revision);
      await append(1, 100);
      await append(2, MAX_CHANGE_BYTES);
      expect(await since(0)).toEqual([1, 2]);
      await append(3, MAX_CHANGE_BYTES + 1);
      await append(4, 100);
      expect(await Promise.all([0, 1, 2].map(since))).toEqual([undefined, undefined, undefined]);
      expect(await since(3)).toEqual([4]);
    });

    it('counts changes of access and lists those after a revision', async () => {
      expect(await storage.readAccessRevision()).toBe(0);
      const changes: AccessChange[] = [
        { revision: 1, kind: 'client', id: 'one', mayDoLess: false },
        { revision: 2, kind: 'token', id: 'two', mayDoLess: true },
      ];
      for (const { revision: _, ...change } of changes) await storage.recordAccessChange(change);
      expect(await storage.readAccessRevision()).toBe(2);
      expect(await storage.listAccessChangesSince(0)).toEqual(changes);
      expect(await storage.listAccessChangesSince(1)).toEqual(changes.slice(1));
      expect(await storage.listAccessChangesSince(2)).toEqual([]);
    });

    it('keeps the newest thousand changes of access, and says if older ones are missing', async () => {
      const record = { kind: 'token', id: 'one', mayDoLess: true } as const;
      await storage.transaction(async (operations) => {
        for (let count = 0; count < 1_002; count += 1) await operations.recordAccessChange(record);
      });
      expect(await storage.listAccessChangesSince(1)).toBeUndefined();
      expect(await storage.listAccessChangesSince(2)).toHaveLength(1_000);
    });

    it('rolls a change of access back with its transaction', async () => {
      const attempt = storage.transaction(async (operations) => {
        await operations.recordAccessChange({ kind: 'client', id: 'one', mayDoLess: true });
        throw new Error('changed my mind');
      });
      await expect(attempt).rejects.toThrow('changed my mind');
      expect(await storage.readAccessRevision()).toBe(0);
    });

    it('lists the revoked tokens that have not expired', async () => {
      await storage.insertRevokedToken('short', 1_000);
      await storage.insertRevokedToken('long', 5_000);
      expect(await storage.listRevokedTokens(1_000)).toEqual(['long']);
    });

    it('names the same content with the same version, and other content with another', () => {
      const value = { tier: 'public', key: 'a', value: { b: 1 } } as const;
      const version = storage.versionOf(value);
      expect(version).toMatch(/^[\w-]{16}$/);
      expect(storage.versionOf({ ...value })).toBe(version);
      expect(storage.versionOf({ ...value, value: { b: 2 } })).not.toBe(version);
      expect(storage.versionOf({ ...value, tier: 'secret' })).not.toBe(version);
      expect(storage.versionOf({ ...value, key: 'c' })).not.toBe(version);
    });

    it('lets exactly one of several transactions through that expect the same version', async () => {
      const first = await storage.upsertValue(valueRow(shop, { value: 0 }));
      const expected = storage.versionOf(first);
      const write = (number: number): Promise<boolean> =>
        storage.transaction(async (operations) => {
          const found = await operations.findValue(shop.environment.id, first.key);
          if (found === undefined || operations.versionOf(found) !== expected) return false;
          await new Promise((resolve) => setImmediate(resolve));
          await operations.upsertValue({ ...found, value: number });
          return true;
        });
      const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => write(index + 1)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });

    it('reads one state of the database in a snapshot', async () => {
      const revisions = await storage.snapshot((operations) =>
        operations.readRevisions([shop.environment.id]),
      );
      expect(revisions.get(shop.environment.id)).toBe(0);
    });
  });
}

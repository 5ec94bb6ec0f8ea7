import { randomBytes } from 'node:crypto';
import type { JsonValue } from '@smooai/config';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Principal } from '../principal.ts';
import { openPostgresStorage } from '../storage/postgres/postgres-storage.ts';
import type { AccessChange, ChangeRecord, Storage } from '../storage/storage.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../test-support/postgres.ts';
import { environmentRow, insertShop, type Shop } from '../test-support/storage-fixtures.ts';
import { ChangeBus } from './change-bus.ts';
import { ChangeFollower } from './change-follower.ts';
import { ChangeWriter } from './change-writer.ts';
import { ConfigService } from './config-service.ts';
import { EnvironmentViews } from './environment-views.ts';
import { SchemaKeysCache } from './validation/schema-keys.ts';

const encryptionKey = randomBytes(32);
const log = { error: () => undefined };

/** One process on the database, with what it has published and lost. */
interface Replica {
  storage: Storage;
  views: EnvironmentViews;
  follower: ChangeFollower;
  writer: ChangeWriter;
  published: ChangeRecord[];
  lost: string[];
  access: AccessChange[];
  write(shop: Shop, value: JsonValue): Promise<void>;
}

async function openReplica(database: string, isFollowing = true): Promise<Replica> {
  const storage = await openPostgresStorage({ url: database, encryptionKey });
  const { shared } = storage;
  if (shared === undefined) throw new Error('The storage is not shared.');
  const changes = new ChangeBus();
  const views = new EnvironmentViews(storage, new SchemaKeysCache());
  const [lost, access]: [string[], AccessChange[]] = [[], []];
  const listener = {
    environmentReloaded: () => undefined,
    environmentLost: (id: string) => void lost.push(id),
    everythingLost: () => void lost.push('everything'),
    accessChanged: (change: AccessChange) => void access.push(change),
    accessUnknown: () => void lost.push('access'),
  };
  const parts = { storage, shared, changes, views, log, listener };
  // Without hints and timer, a replica is behind until something asks it to catch up.
  const follower = new ChangeFollower({ ...parts, maxOfflineMs: 60_000 });
  views.followWith(follower);
  if (isFollowing) await follower.start();
  onTestFinished(async () => {
    await follower.close();
    await storage.close();
  });
  const writer = new ChangeWriter({ storage, changes, views, log, follower });
  const published: ChangeRecord[] = [];
  const write = (shop: Shop, value: JsonValue): Promise<void> =>
    writer.run(async (transaction) =>
      transaction.record(shop.environment.id, [{ tier: 'public', key: 'a', value }]),
    );
  const replica = { storage, views, follower, writer, published, lost, access, write };
  subscriptions.set(replica, (id) => void changes.subscribe(id, (record) => published.push(record)));
  return replica;
}

const subscriptions = new WeakMap<Replica, (environmentId: string) => void>();

/** Listens and then reads the view, as a stream does. */
async function follow(replica: Replica, environmentId: string): Promise<void> {
  subscriptions.get(replica)?.(environmentId);
  await replica.views.read(environmentId);
  // The first read looks once more, in the background.
  await replica.follower.catchUp(environmentId);
}

const revisionsOf = ({ published }: Replica): number[] => published.map(({ revision }) => revision);

describe.skipIf(!hasPostgres)('ChangeFollower, with PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });

  it('publishes the changes of others before a later one of its own, when there was no hint', async () => {
    const database = await postgres.createDatabase();
    const [here, there] = [await openReplica(database, false), await openReplica(database)];
    const shop = await insertShop(there.storage);
    await follow(here, shop.environment.id);
    for (const value of [1, 2]) await there.write(shop, value);
    expect(revisionsOf(here)).toEqual([]);
    await here.write(shop, 3);
    expect(revisionsOf(here)).toEqual([1, 2, 3]);
    const view = await here.views.read(shop.environment.id);
    expect([view?.revision, view?.values.get('a')?.value]).toEqual(['3', 3]);
  });

  it('publishes each change once, whether its hint or its write is first', async () => {
    const database = await postgres.createDatabase();
    const replicas = [await openReplica(database), await openReplica(database), await openReplica(database)];
    const shop = await insertShop((replicas[0] as Replica).storage);
    for (const replica of replicas) await follow(replica, shop.environment.id);
    await Promise.all(
      Array.from({ length: 45 }, (_, index) => (replicas[index % 3] as Replica).write(shop, index)),
    );
    const all = Array.from({ length: 45 }, (_, index) => index + 1);
    for (const replica of replicas) {
      await expect.poll(() => replica.published.length).toBe(45);
      expect(revisionsOf(replica)).toEqual(all);
    }
  });

  it('loses an environment whose missed changes are no longer kept, and reads it again', async () => {
    const database = await postgres.createDatabase();
    const [here, there] = [await openReplica(database, false), await openReplica(database)];
    const shop = await insertShop(there.storage);
    const { id } = shop.environment;
    await follow(here, id);
    for (const value of [1, 2, 3]) await there.write(shop, value);
    await there.storage.pruneChanges(id, 1);
    await here.follower.catchUp(id);
    expect(here.lost).toEqual([id]);
    expect((await here.views.read(id))?.revision).toBe('3');
    await there.write(shop, 4);
    await here.follower.catchUp(id);
    expect(revisionsOf(here)).toEqual([4]);
  });

  it('hands on changes of access in order', async () => {
    const database = await postgres.createDatabase();
    const [here, there] = [await openReplica(database), await openReplica(database)];
    for (const id of ['one', 'two', 'three']) {
      await there.storage.recordAccessChange({ kind: 'client', id, mayDoLess: id === 'two' });
    }
    await expect.poll(() => here.access.length).toBe(3);
    expect(here.access.map(({ id, mayDoLess }) => [id, mayDoLess])).toEqual([
      ['one', false],
      ['two', true],
      ['three', false],
    ]);
  });

  it('a client that has seen more elsewhere gets no older view', async () => {
    const database = await postgres.createDatabase();
    const there = await openReplica(database);
    const shop = await insertShop(there.storage);
    await there.storage.insertEnvironment(environmentRow(shop.organization, { name: 'other' }));
    const storage = await openPostgresStorage({ url: database, encryptionKey });
    const access = { accessChanged: () => undefined, accessUnknown: () => undefined };
    const service = new ConfigService({
      storage,
      changes: new ChangeBus(),
      log,
      replica: { access, maxOfflineMs: 60_000 },
    });
    onTestFinished(async () => {
      await service.close();
      await storage.close();
    });
    const principal: Principal = {
      clientId: 'someone',
      type: 'm2m',
      organizationId: shop.organization.id,
      environments: undefined,
      scopes: new Set(['config:read']),
      token: undefined,
      origin: undefined,
    };
    await service.view(principal, 'development');
    await there.write(shop, 1);
    // It follows nothing, because it was not started.
    expect((await service.view(principal, 'development')).revision).toBe('0');
    expect((await service.viewSince(principal, 'development', 0)).revision).toBe('0');
    expect((await service.viewSince(principal, 'development', 1)).revision).toBe('1');
    // A revision of another history does not wait.
    expect((await service.viewSince(principal, 'development', 99)).revision).toBe('1');
  });
});

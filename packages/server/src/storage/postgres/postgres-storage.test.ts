import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../../test-support/postgres.ts';
import { describeNeighborContract } from '../../test-support/storage-contract.neighbors.ts';
import { describeReplicaContract } from '../../test-support/storage-contract.replicas.ts';
import { describeStorageContract } from '../../test-support/storage-contract.ts';
import { at, insertShop, valueRow } from '../../test-support/storage-fixtures.ts';
import type { Storage } from '../storage.ts';
import { migratePostgres, openPostgresStorage } from './postgres-storage.ts';

const encryptionKey = randomBytes(32);

describe.skipIf(!hasPostgres)('PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  let opened: Storage[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
  });
  afterAll(() => {
    opened = [];
  });

  async function open(url?: string, key = encryptionKey): Promise<Storage> {
    const database = url ?? (await postgres.createDatabase());
    const storage = await openPostgresStorage({ url: database, encryptionKey: key });
    opened.push(storage);
    return storage;
  }

  describeStorageContract('PostgreSQL', () => open());
  describeReplicaContract('PostgreSQL', () => open());
  describeNeighborContract('PostgreSQL', () => open());

  describe('several processes', () => {
    it('create the tables once when they start together', async () => {
      const url = await postgres.createDatabase();
      const storages = await Promise.all([open(url), open(url), open(url)]);
      const shop = await insertShop(storages[0] as Storage);
      for (const storage of storages) expect(await storage.listOrganizations()).toEqual([shop.organization]);
      const rows = await postgres.query(url, 'select version from migrations order by version');
      expect(new Set(rows.map(({ version }) => version)).size).toBe(rows.length);
    });

    it('write as if one after another: no increment is lost', async () => {
      const url = await postgres.createDatabase();
      const storages = await Promise.all([open(url), open(url), open(url)]);
      const shop = await insertShop(storages[0] as Storage);
      const increment = (storage: Storage) =>
        storage.transaction(async (operations) => {
          const environment = await operations.findEnvironment(shop.environment.id);
          await operations.updateEnvironment({
            ...shop.environment,
            revision: (environment?.revision ?? Number.NaN) + 1,
          });
        });
      await Promise.all(Array.from({ length: 60 }, (_, index) => increment(storages[index % 3] as Storage)));
      expect((await storages[0]?.findEnvironment(shop.environment.id))?.revision).toBe(60);
    });

    it('read one state of the database in a snapshot, while another process writes', async () => {
      const url = await postgres.createDatabase();
      const [reader, writer] = await Promise.all([open(url), open(url)]);
      const shop = await insertShop(reader);
      await reader.snapshot(async (operations) => {
        expect(await operations.listValues(shop.environment.id)).toEqual([]);
        await writer.upsertValue(valueRow(shop, {}));
        expect(await operations.listValues(shop.environment.id)).toEqual([]);
      });
      expect(await reader.listValues(shop.environment.id)).toHaveLength(1);
    });
  });

  describe('opening', () => {
    it('refuses a wrong key, and still opens with the right one', async () => {
      const url = await postgres.createDatabase();
      await open(url);
      await expect(open(url, randomBytes(32))).rejects.toMatchObject({ code: 'ERR_ENCRYPTION_KEY_WRONG' });
      await open(url);
    });

    it('refuses a database of a newer server and does not change it', async () => {
      const url = await postgres.createDatabase();
      await open(url);
      await postgres.query(url, `insert into migrations values (99, 'later', '${at()}')`);
      await expect(open(url)).rejects.toMatchObject({
        code: 'ERR_STORAGE_NEWER',
        message: expect.stringMatching(/version 99.*newer server/s),
      });
    });

    it.each([
      ['tables of the same name', 'create table environments (id integer)', 'environments'],
      ['a table of migrations', 'create table migrations (id integer, batch integer)', 'migrations'],
    ])(
      'refuses a database in which another program has %s, and adds nothing',
      async (_, statement, table) => {
        const url = await postgres.createDatabase();
        await postgres.query(url, statement);
        await expect(open(url)).rejects.toMatchObject({ code: 'ERR_STORAGE_FOREIGN' });
        const rows = await postgres.query(url, "select tablename from pg_tables where schemaname = 'public'");
        expect(rows).toEqual([{ tablename: table }]);
      },
    );

    it('refuses a database that is not in UTF-8', async () => {
      const url = await postgres.createDatabase();
      await postgres.query(url, "create database latin encoding 'LATIN1' template template0");
      await expect(open(new URL('/latin', url).href)).rejects.toThrow(/encoding LATIN1/);
    });

    it('says that a database does not exist or cannot be reached, without the password', async () => {
      const url = new URL(await postgres.createDatabase());
      url.password = 'hush-hush';
      url.pathname = '/missing';
      await expect(open(url.href)).rejects.toThrow(/\/missing: The database does not exist/);
      url.port = '1';
      const error = await open(url.href).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
      expect(String(error)).not.toContain('hush');
    });
  });

  it('a dry run of the migration names its steps and changes nothing', async () => {
    const url = await postgres.createDatabase();
    const steps = await migratePostgres({ url, encryptionKey, isDryRun: true });
    expect(steps[0]).toEqual({ version: 1, name: 'first tables' });
    expect(await postgres.query(url, "select 1 from pg_tables where schemaname = 'public'")).toEqual([]);
    expect(await migratePostgres({ url, encryptionKey, isDryRun: false })).toEqual(steps);
    expect(await migratePostgres({ url, encryptionKey, isDryRun: true })).toEqual([]);
  });

  it('a migration that is killed between its statements changes nothing, and can be repeated', async () => {
    const url = await postgres.createDatabase();
    const storage = await open(url);
    const shop = await insertShop(storage);
    await storage.close();
    // The database of an older server.
    await postgres.query(
      url,
      'drop table access_changes; alter table changes drop column needs_reload; delete from migrations where version = 2',
    );
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    // The first statement of the step waits for this.
    await other.query('begin; lock table changes in access share mode');
    const migration = migratePostgres({ url, encryptionKey, isDryRun: false }).catch(
      (error: unknown) => error,
    );
    const kill =
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'alter table changes%' and pid <> pg_backend_pid()";
    // On a very slow machine it may have given up its wait, which ends it in the same way.
    let hasEnded = false;
    void migration.then(() => {
      hasEnded = true;
    });
    const isKilled = async (): Promise<boolean> => hasEnded || (await postgres.query(url, kill)).length === 1;
    await expect.poll(isKilled).toBe(true);
    expect(await migration).toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
    await other.end();
    const versions = await postgres.query(url, 'select version from migrations');
    expect(versions).toEqual([{ version: 1 }]);
    expect(await (await open(url)).listOrganizations()).toEqual([shop.organization]);
  });

  it('never stores a secret or a private key in plain text', async () => {
    const url = await postgres.createDatabase();
    const storage = await open(url);
    const shop = await insertShop(storage);
    await storage.upsertValue(valueRow(shop, { tier: 'secret', value: 'correct-horse' }));
    await storage.appendChange({
      environmentId: shop.environment.id,
      revision: 1,
      changes: [{ tier: 'secret', key: 'paymentKey', value: 'correct-horse' }],
      at: at(),
    });
    await storage.insertSigningKey({ kid: 'kid-1', privateJwk: { d: 'correct-horse' }, createdAt: at() });
    for (const table of ['config_values', 'changes', 'signing_keys']) {
      const rows = await postgres.query(url, `select * from ${table}`);
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).not.toContain('correct-horse');
    }
  });

  it('refuses to store an id with a NUL character and finds nothing by it', async () => {
    const storage = await open();
    const nul = { id: 'o\0', name: 'x', createdAt: at() };
    await expect(storage.insertOrganization(nul)).rejects.toMatchObject({ code: 'ERR_STORAGE_MISUSE' });
  });

  it('an error of PostgreSQL shows neither the row nor the statement', async () => {
    const storage = await open();
    const shop = await insertShop(storage);
    const orphan = valueRow(shop, { schemaId: 'nothing', value: 'correct-horse' });
    const error = await storage.upsertValue(orphan).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'PostgreSQL failed (23503).' });
    expect(JSON.stringify(Object.entries(error as object))).not.toContain('horse');
  });
});

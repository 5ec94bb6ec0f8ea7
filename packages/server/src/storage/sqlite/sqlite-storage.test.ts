import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeNeighborContract } from '../../test-support/storage-contract.neighbors.ts';
import { describeReplicaContract } from '../../test-support/storage-contract.replicas.ts';
import { describeStorageContract } from '../../test-support/storage-contract.ts';
import { at, environmentRow, insertShop, valueRow } from '../../test-support/storage-fixtures.ts';
import type { Storage } from '../storage.ts';
import { openSqliteStorage } from './sqlite-storage.ts';

const encryptionKey = randomBytes(32);
let directory = '';
let opened: Storage[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'config-storage-'));
});
afterEach(async () => {
  await Promise.all(opened.map((storage) => storage.close()));
  opened = [];
  await rm(directory, { recursive: true, force: true });
});

async function open(file = join(directory, 'config.db'), key = encryptionKey): Promise<Storage> {
  const storage = await openSqliteStorage({ file, encryptionKey: key, busyTimeoutMs: 50 });
  opened.push(storage);
  return storage;
}

describeStorageContract('SQLite in a file', () => open());
describeStorageContract('SQLite in memory', () => open(':memory:'));
describeReplicaContract('SQLite in memory', () => open(':memory:'));
describeNeighborContract('SQLite in memory', () => open(':memory:'));

describe('the files', () => {
  it('are private to their owner, in a new directory', async () => {
    const folder = join(directory, 'data', 'here');
    const storage = await open(join(folder, 'config.db'));
    await insertShop(storage);
    const names = await readdir(folder);
    expect(names).toEqual(['config.db', 'config.db-wal']);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('are a single file with everything in it once the storage is closed', async () => {
    const first = await open();
    const shop = await insertShop(first);
    const value = await first.upsertValue(valueRow(shop, { tier: 'secret', value: { deep: ['hush'] } }));
    await first.close();
    expect(await readdir(directory)).toEqual(['config.db']);
    const second = await open();
    expect(await second.listValues(shop.environment.id)).toEqual([value]);
    expect(await second.listOrganizations()).toEqual([shop.organization]);
  });

  it('never contain a secret or a private key in plain text', async () => {
    const storage = await open();
    const shop = await insertShop(storage);
    const secret = 'correct-horse-battery-staple';
    for (const value of [secret, `${secret}-2`]) {
      await storage.upsertValue(valueRow(shop, { key: 'paymentKey', tier: 'secret', value }));
    }
    await storage.upsertValue(valueRow(shop, { key: 'open', value: 'readable-marker' }));
    await storage.appendChange({
      environmentId: shop.environment.id,
      revision: 1,
      changes: [{ tier: 'secret', key: 'paymentKey', value: secret }],
      at: at(),
    });
    await storage.insertSigningKey({ kid: 'kid-1', privateJwk: { d: secret }, createdAt: at() });
    const written = await bytesOf(directory);
    expect(written).toContain('readable-marker');
    expect(written).not.toContain('correct-horse');
    await storage.close();
    const closed = await bytesOf(directory);
    expect(closed).toContain('readable-marker');
    expect(closed).not.toContain('correct-horse');
  });

  it('open no secret that was copied to another row', async () => {
    const storage = await open();
    const shop = await insertShop(storage);
    const { id } = shop.environment;
    const staging = environmentRow(shop.organization, { name: 'staging', revision: 1 });
    await storage.insertEnvironment(staging);
    await storage.updateEnvironment({ ...shop.environment, revision: 2 });
    const places: [environmentId: string, key: string][] = [
      [id, 'paymentKey'],
      [id, 'other'],
      [staging.id, 'paymentKey'],
    ];
    for (const [environmentId, key] of places) {
      await storage.upsertValue(valueRow(shop, { environmentId, key, tier: 'secret', value: 'hush' }));
    }
    const changes = [{ tier: 'secret', key: 'paymentKey', value: 'hush' } as const];
    for (const [environmentId, revision] of [[id, 1] as const, [id, 2] as const, [staging.id, 1] as const]) {
      await storage.appendChange({ environmentId, revision, changes, at: at() });
    }
    await storage.close();
    const database = new Database(join(directory, 'config.db'));
    const first = "environment_id = ? and key = 'paymentKey'";
    database
      .prepare(`update config_values set value = (select value from config_values where ${first})`)
      .run(id);
    const firstChange = 'select changes from changes where environment_id = ? and revision = 1';
    database.prepare(`update changes set changes = (${firstChange})`).run(id);
    database.close();
    const again = await open();
    expect((await again.findValue(id, 'paymentKey'))?.value).toBe('hush');
    const failure = { code: 'ERR_DECRYPTION_FAILED' };
    for (const [environmentId, key] of places.slice(1)) {
      await expect(again.findValue(environmentId, key)).rejects.toMatchObject(failure);
    }
    for (const [environmentId, revision] of [[id, 1] as const, [staging.id, 0] as const]) {
      await expect(again.listChangesSince(environmentId, revision)).rejects.toMatchObject(failure);
    }
  });
});

describe('opening', () => {
  it('refuses a wrong key, and still opens with the right one', async () => {
    const shop = await insertShop(await open());
    await opened[0]?.close();
    await expect(open(undefined, randomBytes(32))).rejects.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_WRONG',
      message: expect.stringContaining('config.db'),
    });
    expect(await (await open()).findSchema(shop.schema.id)).toEqual(shop.schema);
  });

  it('refuses a key of the wrong length without showing it', async () => {
    const short = Buffer.from('only-sixteen-abc');
    const error = await open(undefined, short).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_ENCRYPTION_KEY_INVALID' });
    expect(String(error)).not.toContain('sixteen');
    expect(await readdir(directory)).toEqual([]);
  });

  it('refuses a file that is already open, which stays usable', async () => {
    const first = await open();
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_STORAGE_LOCKED',
      message: expect.stringContaining('config.db'),
    });
    await insertShop(first);
    expect(await first.listOrganizations()).toHaveLength(1);
  });

  it('refuses a database of a newer version and does not change it', async () => {
    const file = join(directory, 'config.db');
    await (await open()).close();
    const direct = new Database(file);
    direct.exec("insert into migrations (version, name, applied_at) values (99, 'later', 'later')");
    direct.close();
    const before = await readFile(file);
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_STORAGE_NEWER',
      message: expect.stringMatching(/version 99.*newer server/s),
    });
    expect(Buffer.compare(tables(before), tables(await readFile(file)))).toBe(0);
  });

  it.each([
    ['a text file', async (file: string) => writeFile(file, 'not a database\n'.repeat(100))],
    ['a very short file', async (file: string) => writeFile(file, 'x')],
    [
      'the SQLite database of another program',
      async (file: string) => {
        const other = new Database(file);
        other.exec(
          "pragma journal_mode = WAL; create table diary (entry text); insert into diary values ('dear')",
        );
        other.close();
      },
    ],
  ])('refuses %s and does not change it', async (_, make) => {
    const file = join(directory, 'other.db');
    await make(file);
    const before = await readFile(file);
    const names = await readdir(directory);
    await expect(open(file)).rejects.toMatchObject({
      code: 'ERR_STORAGE_FOREIGN',
      message: expect.stringContaining(file),
    });
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(directory)).toEqual(names);
  });

  it.each([
    ['cut off', async (file: string) => truncate(file, 20_000)],
    [
      'overwritten in the middle',
      async (file: string) => {
        const bytes = await readFile(file);
        await writeFile(file, bytes.fill(0x5a, 4096, 40_000));
      },
    ],
  ])('refuses a database that was %s and does not change it', async (_, damage) => {
    const file = join(directory, 'config.db');
    await insertShop(await open());
    await opened[0]?.close();
    await damage(file);
    const before = await readFile(file);
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_STORAGE_CORRUPT',
      message: expect.stringContaining('backup'),
    });
    expect(Buffer.compare(before, await readFile(file))).toBe(0);
  });

  it('refuses a path that is a directory or is below a file', async () => {
    await expect(open(directory)).rejects.toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
    const file = join(directory, 'file');
    await writeFile(file, '');
    await chmod(file, 0o600);
    await expect(open(join(file, 'config.db'))).rejects.toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
  });
});

describe('misuse', () => {
  it('refuses the storage inside a transaction instead of waiting forever', async () => {
    const storage = await open(':memory:');
    const shop = await insertShop(storage);
    const attempt = storage.transaction(() => storage.upsertValue(valueRow(shop, {})));
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_STORAGE_MISUSE' });
    await storage.ping();
  });

  it('refuses the operations of a transaction that has ended', async () => {
    const storage = await open(':memory:');
    const operations = await storage.transaction(async (inner) => inner);
    await expect(operations.listOrganizations()).rejects.toMatchObject({ code: 'ERR_STORAGE_MISUSE' });
  });

  it('finishes earlier calls before it closes and refuses later ones', async () => {
    const storage = await open();
    const shop = await insertShop(storage);
    const write = storage.transaction(async (operations) => {
      await new Promise((resolve) => setImmediate(resolve));
      await operations.upsertValue(valueRow(shop, {}));
    });
    const closed = storage.close();
    await expect(storage.listOrganizations()).rejects.toMatchObject({ code: 'ERR_STORAGE_CLOSED' });
    await write;
    await closed;
    expect(await (await open()).listValues(shop.environment.id)).toHaveLength(1);
  });

  it('refuses to store an id with a NUL character and finds nothing by it', async () => {
    const storage = await open(':memory:');
    const nul = { id: 'o\0', name: 'x', createdAt: at() };
    await expect(storage.insertOrganization(nul)).rejects.toMatchObject({ code: 'ERR_STORAGE_MISUSE' });
    expect(await storage.findOrganization('o\0')).toBeUndefined();
  });
});

async function bytesOf(folder: string): Promise<string> {
  const names = await readdir(folder);
  const parts = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return Buffer.concat(parts).toString('latin1');
}

/** All but the first page, whose counters change with the journal mode. */
function tables(bytes: Buffer): Buffer {
  return bytes.subarray(4096);
}

import { randomBytes } from 'node:crypto';
import {
  appendFile,
  copyFile,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test-support/running-server.ts';
import { insertShop, valueRow } from '../../test-support/storage-fixtures.ts';
import { backupSqlite, restoreSqlite } from './backup.ts';
import { closeDatabase } from './libsql-dialect.ts';
import { openSqliteStorage } from './sqlite-storage.ts';

const encryptionKey = randomBytes(32);

interface Place {
  directory: string;
  file: string;
  backup: string;
  environmentId: string;
}

/** A closed database with one secret. */
async function usedDatabase(): Promise<Place> {
  const directory = await temporaryDirectory();
  const file = join(directory, 'config.db');
  const storage = await openSqliteStorage({ file, encryptionKey });
  const shop = await insertShop(storage);
  await storage.upsertValue(valueRow(shop, { key: 'paymentKey', tier: 'secret', value: 'first' }));
  await storage.close();
  return { directory, file, backup: join(directory, 'backup.db'), environmentId: shop.environment.id };
}

async function readValue(file: string, environmentId: string): Promise<unknown> {
  const storage = await openSqliteStorage({ file, encryptionKey });
  try {
    return (await storage.findValue(environmentId, 'paymentKey'))?.value;
  } finally {
    await storage.close();
  }
}

async function change({ file, environmentId }: Place): Promise<void> {
  const storage = await openSqliteStorage({ file, encryptionKey });
  const value = await storage.findValue(environmentId, 'paymentKey');
  if (value) await storage.upsertValue({ ...value, value: 'second' });
  await storage.close();
}

async function contentOf(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory);
  const entries = names.map(async (name) => [name, await readFile(join(directory, name), 'hex')]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

describe('a backup', () => {
  it('is one private file, and can be restored', async () => {
    const place = await usedDatabase();
    const { file, backup, environmentId } = place;
    const facts = await backupSqlite({ file, backup, force: false, encryptionKey });
    expect(facts).toMatchObject({ version: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((await stat(backup)).mode & 0o777).toBe(0o600);
    expect((await readdir(place.directory)).sort()).toEqual(['backup.db', 'config.db']);
    await change(place);
    const { kept } = await restoreSqlite({ backup, file, encryptionKey });
    expect(await readValue(file, environmentId)).toBe('first');
    expect(await readValue(kept ?? '', environmentId)).toBe('second');
    expect((await readdir(place.directory)).sort()).toEqual([
      'backup.db',
      'config.db',
      `${kept?.split('/').at(-1)}`,
    ]);
  });

  it('of a database behind a symbolic link has what is in its log, and a restore keeps the link', async () => {
    const { directory, file, backup, environmentId } = await usedDatabase();
    const link = join(await temporaryDirectory(), 'link.db');
    await symlink(file, link);
    const storage = await openSqliteStorage({ file: link, encryptionKey });
    const value = await storage.findValue(environmentId, 'paymentKey');
    if (value) await storage.upsertValue({ ...value, value: 'second' });
    // As after a crash, with the last write in the log alone.
    const crashed = join(directory, 'crashed.db');
    await copyFile(file, crashed);
    await copyFile(`${file}-wal`, `${crashed}-wal`);
    await storage.close();
    await rm(link);
    await symlink(crashed, link);
    await backupSqlite({ file: link, backup, force: false, encryptionKey });
    expect(await readValue(backup, environmentId)).toBe('second');
    const { kept } = await restoreSqlite({ backup, file: link, encryptionKey });
    expect([await readlink(link), dirname(kept ?? '')]).toEqual([crashed, directory]);
    expect(await readValue(link, environmentId)).toBe('second');
    await rm(crashed);
    await restoreSqlite({ backup, file: link, encryptionKey });
    expect([await readlink(link), await readValue(crashed, environmentId)]).toEqual([crashed, 'second']);
  });

  it('replaces a file only on request', async () => {
    const { file, backup } = await usedDatabase();
    await writeFile(backup, 'precious');
    const options = { file, backup, encryptionKey };
    await expect(backupSqlite({ ...options, force: false })).rejects.toThrow(/exists.*--force/);
    expect(await readFile(backup, 'utf8')).toBe('precious');
    await backupSqlite({ ...options, force: true });
    await expect(backupSqlite({ ...options, backup: file, force: true })).rejects.toThrow('the same file');
  });

  it('is refused for a missing database and another key, and leaves nothing behind', async () => {
    const { directory, file, backup } = await usedDatabase();
    const before = await contentOf(directory);
    const options = { backup, force: false };
    await expect(backupSqlite({ ...options, file: `${file}.missing` })).rejects.toThrow('does not exist');
    await expect(backupSqlite({ ...options, file, encryptionKey: randomBytes(32) })).rejects.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_WRONG',
    });
    expect(await contentOf(directory)).toEqual(before);
  });
});

describe('restoring', () => {
  async function withBackup(): Promise<Place> {
    const place = await usedDatabase();
    const { file, backup } = place;
    await backupSqlite({ file, backup, force: false, encryptionKey });
    await change(place);
    return place;
  }

  it.each<[string, (place: Place) => Promise<unknown>, string]>([
    ['is missing', async ({ backup }) => writeFile(`${backup}.other`, ''), 'ERR_STORAGE_UNAVAILABLE'],
    ['is foreign', ({ backup }) => writeFile(`${backup}.other`, 'notes'), 'ERR_STORAGE_FOREIGN'],
    ['is empty', ({ backup }) => writeFile(`${backup}.other`, ''), 'ERR_STORAGE_CORRUPT'],
    [
      'is cut off',
      async ({ backup }) => writeFile(`${backup}.other`, (await readFile(backup)).subarray(0, 20_000)),
      'ERR_STORAGE_CORRUPT',
    ],
    [
      'is damaged in the middle',
      async ({ backup }) => {
        const bytes = await readFile(backup);
        await writeFile(`${backup}.other`, bytes.fill(0xff, 8_000, 40_000));
      },
      'ERR_STORAGE_CORRUPT',
    ],
    [
      'is of a newer server',
      async ({ backup }) => {
        await copyFile(backup, `${backup}.other`);
        const database = new Database(`${backup}.other`);
        database.exec("insert into migrations values (99, 'later', '2026')");
        closeDatabase(database);
      },
      'ERR_STORAGE_NEWER',
    ],
  ])('refuses a backup that %s, and changes nothing', async (name, prepare, code) => {
    const place = await withBackup();
    await prepare(place);
    const before = await contentOf(place.directory);
    const backup = name === 'is missing' ? `${place.backup}.nothing` : `${place.backup}.other`;
    await expect(restoreSqlite({ backup, file: place.file, encryptionKey })).rejects.toMatchObject({ code });
    expect(await contentOf(place.directory)).toEqual(before);
  });

  it('refuses a backup that needs another key', async () => {
    const { file, backup } = await withBackup();
    await expect(restoreSqlite({ backup, file, encryptionKey: randomBytes(32) })).rejects.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_WRONG',
    });
  });

  it('refuses while a server uses the database, which goes on', async () => {
    const { file, backup, environmentId } = await withBackup();
    const storage = await openSqliteStorage({ file, encryptionKey });
    await expect(restoreSqlite({ backup, file, encryptionKey })).rejects.toMatchObject({
      code: 'ERR_STORAGE_LOCKED',
    });
    expect((await storage.findValue(environmentId, 'paymentKey'))?.value).toBe('second');
    await storage.close();
  });

  it('replaces a damaged database, and keeps it with its log', async () => {
    const { directory, file, backup, environmentId } = await withBackup();
    await writeFile(file, 'not a database any longer');
    await writeFile(`${file}-wal`, 'the log of it');
    const { kept = '' } = await restoreSqlite({ backup, file, encryptionKey });
    expect(await readValue(file, environmentId)).toBe('first');
    expect(await readFile(kept, 'utf8')).toBe('not a database any longer');
    expect(await readFile(`${kept}-wal`, 'utf8')).toBe('the log of it');
    expect(await readdir(directory)).not.toContain('config.db-wal');
  });

  it('creates a database that is missing, and not under the log of another', async () => {
    const { backup, environmentId } = await withBackup();
    const file = join(dirname(backup), 'new', 'config.db');
    expect(await restoreSqlite({ backup, file, encryptionKey })).toMatchObject({ kept: undefined });
    expect(await readValue(file, environmentId)).toBe('first');
    const other = join(dirname(backup), 'other.db');
    await appendFile(`${other}-wal`, 'frames');
    await restoreSqlite({ backup, file: other, encryptionKey });
    expect(await readValue(other, environmentId)).toBe('first');
  });
});

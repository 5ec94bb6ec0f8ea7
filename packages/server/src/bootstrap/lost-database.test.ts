import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigServer, createConfigServer } from '../create-config-server.ts';
import type { ConfigServerOptions } from '../server-options.ts';
import { ENCRYPTION_KEY_VARIABLE, loadEncryptionKey } from '../storage/encryption-key.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { adminOf, startServer, temporaryDirectory, tokenOf } from '../test-support/running-server.ts';

interface Place {
  directory: string;
  db: string;
  key: string;
  credentials: string;
  elsewhere: string;
  /** Starts a server on the database that is closed when the test ends. */
  start: (options?: ConfigServerOptions) => Promise<ConfigServer>;
  /** The content of every file, to show that nothing was changed. */
  content: () => Promise<Record<string, string>>;
}

async function emptyPlace(): Promise<Place> {
  const directory = await temporaryDirectory();
  const db = join(directory, 'config.db');
  const content = async () => {
    const names = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile());
    const entries = names.map(async ({ name }) => [name, await readFile(join(directory, name), 'hex')]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
  };
  const start = (options: ConfigServerOptions = {}) => startServer({ db, ...options });
  const elsewhere = join(directory, 'admin.json');
  return {
    directory,
    db,
    key: `${db}.key`,
    credentials: `${db}.credentials.json`,
    elsewhere,
    start,
    content,
  };
}

/** The files of a server that was started once with these options. */
async function usedPlace(options: ConfigServerOptions = {}): Promise<Place & { organizationId: string }> {
  const place = await emptyPlace();
  const server = await createConfigServer({ env: {}, db: place.db, ...options });
  await server.close();
  return { ...place, organizationId: server.organizationId };
}

describe('a database that was lost', () => {
  it.each<[string, (place: Place) => Promise<unknown>, string[]]>([
    [
      'with its key, beside the credentials',
      (place) => Promise.all([rm(place.db), rm(place.key)]),
      ['config.db ', 'config.db.key'],
    ],
    ['beside its key and the credentials', (place) => rm(place.db), ['config.db.']],
    ['and is empty now', (place) => truncate(place.db), ['config.db (the file is empty)']],
    [
      'and is empty now, without credentials',
      (place) => Promise.all([truncate(place.db), rm(place.credentials)]),
      ['(the file is empty)'],
    ],
    [
      'and is empty now, without a key',
      (place) => Promise.all([truncate(place.db), rm(place.key)]),
      ['(the file is empty)', 'config.db.key'],
    ],
    [
      'except for its write-ahead log',
      async (place) => {
        await Promise.all([rm(place.db), rm(place.key), rm(place.credentials)]);
        await writeFile(`${place.db}-wal`, 'committed writes');
      },
      ['config.db-wal'],
    ],
  ])('is not replaced by a new organization: %s', async (_name, lose, named) => {
    const place = await usedPlace();
    await lose(place);
    const before = await place.content();
    for (const options of [{}, { newAdminClient: true }, { credentialsFile: place.elsewhere }]) {
      await expect(createConfigServer({ env: {}, db: place.db, ...options })).rejects.toMatchObject({
        code: 'ERR_DATABASE_MISSING',
        message: expect.stringContaining('--begin-anew'),
      });
    }
    const error: unknown = await createConfigServer({ env: {}, db: place.db }).catch((reason) => reason);
    for (const text of named) expect(String(error)).toContain(text);
    expect(await place.content()).toEqual(before);
  });

  it('is named with each of its files once, also if their paths are relative', async () => {
    const place = await usedPlace();
    await rm(place.db);
    const db = relative(process.cwd(), place.db);
    const error: unknown = await createConfigServer({ env: {}, db }).catch((reason) => reason);
    expect(String(error)).toContain(
      `Missing: the database ${place.db}. There was a database, as ${place.credentials} and ${place.key} show.`,
    );
  });

  it('is not replaced if the credentials are elsewhere', async () => {
    const place = await emptyPlace();
    const credentialsFile = place.elsewhere;
    await (await createConfigServer({ env: {}, db: place.db, credentialsFile })).close();
    await Promise.all([rm(place.db), rm(place.key)]);
    const before = await place.content();
    await expect(createConfigServer({ env: {}, db: place.db, credentialsFile })).rejects.toMatchObject({
      code: 'ERR_DATABASE_MISSING',
      message: expect.stringContaining(credentialsFile),
    });
    // Another path is another database that was lost.
    const other = join(place.directory, 'other.db');
    await expect(createConfigServer({ env: {}, db: other, credentialsFile })).rejects.toMatchObject({
      code: 'ERR_DATABASE_MISSING',
    });
    expect(await place.content()).toEqual(before);
  });

  it('is not replaced if the key is in the variable, and the key file is not called missing', async () => {
    const place = await emptyPlace();
    const env = { [ENCRYPTION_KEY_VARIABLE]: randomBytes(32).toString('base64') };
    await (await createConfigServer({ env, db: place.db })).close();
    for (const lose of [() => truncate(place.db), () => rm(place.db)]) {
      await lose();
      const error: unknown = await createConfigServer({ env, db: place.db }).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'ERR_DATABASE_MISSING' });
      expect(String(error)).not.toContain('config.db.key');
    }
  });

  it.each([
    ['', (place: Place) => Promise.all([rm(place.db), rm(place.key)])],
    [', when it is empty', (place: Place) => truncate(place.db)],
    [
      ', with a log left',
      async (place: Place) => {
        await rename(place.db, `${place.db}-wal`);
      },
    ],
  ])('is replaced on request, and the old credentials are kept%s', async (_name, lose) => {
    const place = await usedPlace();
    const old = await readFile(place.credentials, 'utf8');
    await lose(place);
    const server = await place.start({ beginAnew: true });
    expect(server.credentialsState).toBe('first');
    expect(server.organizationId).not.toBe(place.organizationId);
    expect(JSON.parse(await readFile(place.credentials, 'utf8'))).toEqual(adminOf(server));
    const kept = (await readdir(place.directory)).filter((name) => /credentials\.json\..*\.old$/.test(name));
    expect(kept).toHaveLength(1);
    const file = join(place.directory, String(kept[0]));
    expect(await readFile(file, 'utf8')).toBe(old);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await tokenOf(server);
    await server.close();
    // Without effect while the database is there.
    const again = await place.start({ beginAnew: true });
    expect([again.organizationId, again.credentialsState]).toEqual([server.organizationId, 'kept']);
  });

  it('is not replaced by a request if the credentials file has other content', async () => {
    const place = await emptyPlace();
    await writeFile(place.elsewhere, '{"name":"precious"}');
    const options = { env: {}, db: place.db, credentialsFile: place.elsewhere, beginAnew: true };
    await expect(createConfigServer(options)).rejects.toMatchObject({ code: 'ERR_CREDENTIALS_FILE' });
    expect(await readFile(place.elsewhere, 'utf8')).toBe('{"name":"precious"}');
  });
});

describe('a lost or damaged key', () => {
  it.each<[string, (place: Place) => Promise<unknown>, string]>([
    ['is missing', (place) => rm(place.key), 'does not'],
    ['is empty', (place) => truncate(place.key), 'is not an encryption key'],
    [
      'is empty, and the database is gone',
      async (place) => {
        await Promise.all([rm(place.db), rm(place.credentials)]);
        await truncate(place.key);
      },
      'is not an encryption key',
    ],
  ])('refuses the start: %s', async (_name, lose, message) => {
    const place = await usedPlace();
    await lose(place);
    const before = await place.content();
    for (const options of [{}, { beginAnew: true }, { newAdminClient: true }]) {
      await expect(createConfigServer({ env: {}, db: place.db, ...options })).rejects.toMatchObject({
        code: 'ERR_DATABASE_UNAVAILABLE',
        message: expect.stringContaining(message),
      });
    }
    expect(await place.content()).toEqual(before);
  });
});

describe('credentials of another database', () => {
  it('are kept under another name when a new admin client is written to their file', async () => {
    const one = await usedPlace();
    const other = await usedPlace();
    const old = await readFile(one.credentials, 'utf8');
    const server = await other.start({ credentialsFile: one.credentials, newAdminClient: true });
    expect(JSON.parse(await readFile(one.credentials, 'utf8'))).toEqual(adminOf(server));
    const kept = (await readdir(one.directory)).find((name) => name.endsWith('.old'));
    expect(await readFile(join(one.directory, String(kept)), 'utf8')).toBe(old);
  });

  it('are not replaced by a server in memory; those of an earlier one in memory are', async () => {
    const place = await usedPlace();
    const before = await place.content();
    await expect(
      createConfigServer({ env: {}, db: ':memory:', credentialsFile: place.credentials }),
    ).rejects.toMatchObject({ code: 'ERR_CREDENTIALS_FILE', message: expect.stringContaining(place.db) });
    expect(await place.content()).toEqual(before);
    for (let round = 0; round < 2; round += 1) {
      const server = await startServer({ db: ':memory:', credentialsFile: place.elsewhere });
      expect(JSON.parse(await readFile(place.elsewhere, 'utf8'))).toEqual(adminOf(server));
    }
    expect((await readdir(place.directory)).filter((name) => name.endsWith('.old'))).toEqual([]);
  });
});

describe('a first start that was cut off', () => {
  it.each<[string, (place: Place) => Promise<unknown>]>([
    ['before it did anything', async () => undefined],
    ['while it wrote the key', (place) => writeFile(`${place.key}.0123456789ab.tmp`, 'half')],
    ['after the key was written', (place) => loadEncryptionKey({ file: place.db, env: {} })],
    [
      'while it prepared the database',
      async (place) => {
        await loadEncryptionKey({ file: place.db, env: {} });
        await writeFile(`${place.db}.0123456789ab.tmp`, '');
      },
    ],
    ['after the database was created', (place) => createDatabase(place)],
    [
      'after the credentials were written, before they were committed',
      async (place) => {
        await createDatabase(place);
        const used = await usedPlace();
        await copyFile(used.credentials, place.credentials);
      },
    ],
  ])('can be repeated: %s', async (_name, leave) => {
    const place = await emptyPlace();
    await leave(place);
    const server = await place.start();
    expect(server.credentialsState).toBe('first');
    expect(JSON.parse(await readFile(place.credentials, 'utf8'))).toEqual(adminOf(server));
    await tokenOf(server);
    await server.close();
    expect((await place.start()).credentialsState).toBe('kept');
  });

  it('can begin on an empty file that someone has made, and with a key that someone has made', async () => {
    const place = await emptyPlace();
    await writeFile(place.db, '');
    expect((await place.start()).credentialsState).toBe('first');
    const other = await emptyPlace();
    await writeFile(other.key, randomBytes(32).toString('base64'), { mode: 0o600 });
    expect((await other.start()).credentialsState).toBe('first');
    const third = await emptyPlace();
    await mkdir(join(third.directory, 'deep'));
    expect((await third.start({ db: join(third.directory, 'deep', 'er', 'x.db') })).credentialsState).toBe(
      'first',
    );
  });
});

/** What a first start has written before its first organization. */
async function createDatabase({ db }: Place): Promise<void> {
  const encryptionKey = await loadEncryptionKey({ file: db, env: {} });
  await (await openSqliteStorage({ file: db, encryptionKey })).close();
}

import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createConfigServer } from '../../create-config-server.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../../test-support/postgres.ts';
import { adminOf, startServer, temporaryDirectory, tokenOf } from '../../test-support/running-server.ts';
import { Shop, startShop } from '../../test-support/shop-server.ts';
import { SecretBox } from '../encryption.ts';
import { exportPostgres, importIntoPostgres } from '../postgres/postgres-storage.ts';
import { importIntoSqlite } from '../sqlite/import-into-sqlite.ts';
import type { CopyProgress } from './copy-tables.ts';
import { withDatabaseCopy, withImportSource } from './import-source.ts';
import type { CopiedTable } from './portable-tables.ts';
import { writeExport } from './write-export.ts';

const encryptionKey = randomBytes(32);
const box = new SecretBox(encryptionKey);
const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: encryptionKey.toString('base64') };
/** Nothing waits for it to pass. */
const SLOW = { timeout: 600_000 };
const quiet: CopyProgress = { onTable: () => undefined };

interface Filled {
  shop: Shop;
  ruleset: unknown;
  token: string;
}

/** A closed server's database with fallbacks, a segment and a secret. */
async function fill(options: { db?: string; database?: string }): Promise<Filled> {
  const shop = await startShop({ ...options, env });
  await shop.addEnvironment('a-preview', 'staging');
  await shop.putSegment('staff', { attribute: 'email', op: 'endsWith', values: ['@shop.test'] }, 'staging');
  await shop.set('paymentKey', 'sk_live_1234', 'staging');
  await shop.set('theme', 'dark', 'a-preview');
  await shop.set('banner', 'line \u2028 separator \\ and ☃', 'a-preview');
  const ruleset = withoutEpoch(await shop.ruleset('a-preview'));
  await shop.server.close();
  return { shop, ruleset, token: shop.token };
}

function withoutEpoch(ruleset: Record<string, unknown>): unknown {
  return { ...ruleset, epoch: undefined };
}

/** Starts a server on the imported database and compares it with the old one. */
async function expectSame({ shop, ruleset, token }: Filled, options: { db?: string; database?: string }) {
  const server = await startServer({ ...options, env });
  const moved = new Shop(server, { token, schema: shop.schema, environments: shop.environments });
  expect(withoutEpoch(await moved.ruleset('a-preview'))).toEqual(ruleset);
  expect(await tokenOf(server, adminOf(shop.server))).toEqual(expect.any(String));
  await moved.set('theme', 'light', 'a-preview');
}

function exportFile(db: string, file: string, onTable: CopyProgress['onTable'] = () => undefined) {
  return withDatabaseCopy({ file: db, box, directory: dirname(file) }, ({ contents, version }) =>
    writeExport(contents, { file, box, databaseVersion: version, at: '2026-01-01T00:00:00.000Z', onTable }),
  );
}

async function filledExport(): Promise<Filled & { db: string; file: string; lines: string[] }> {
  const directory = await temporaryDirectory();
  const [db, file] = [join(directory, 'config.db'), join(directory, 'config.jsonl')];
  const filled = await fill({ db });
  await exportFile(db, file);
  const lines = (await readFile(file, 'utf8')).split('\n');
  return { ...filled, db, file, lines };
}

describe('an export', SLOW, () => {
  it('is a private file without a readable secret, with the checksums of its tables', async () => {
    const directory = await temporaryDirectory();
    const [db, file] = [join(directory, 'config.db'), join(directory, 'config.jsonl')];
    await fill({ db });
    const tables: CopiedTable[] = [];
    const summary = await exportFile(db, file, (table) => tables.push(table));
    expect(summary).toMatchObject({ keyId: box.keyId, databaseVersion: 2 });
    expect(tables.find(({ name }) => name === 'environments')).toMatchObject({
      rows: 4,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).toContain('staff');
    for (const secret of ['sk_live_1234', encryptionKey.toString('base64'), '"d":']) {
      expect(text).not.toContain(secret);
    }
    expect((await readdir(directory)).sort()).toEqual(
      ['config.db', 'config.db.credentials.json', 'config.jsonl'].sort(),
    );
  });

  it('replaces no file', async () => {
    const { db, file, lines } = await filledExport();
    await expect(exportFile(db, file)).rejects.toMatchObject({ code: 'ERR_STORAGE_FOREIGN' });
    expect(await readFile(file, 'utf8')).toBe(lines.join('\n'));
  });

  it('becomes a SQLite file with the same values, secrets, revisions, clients and tokens', async () => {
    const { file, ...filled } = await filledExport();
    const db = `${file}.db`;
    await withImportSource(file, box, ({ contents }) => importIntoSqlite(db, contents, { box, ...quiet }));
    expect((await stat(db)).mode & 0o777).toBe(0o600);
    await expectSame(filled, { db });
  });
});

describe('an import', SLOW, () => {
  /** Imports into a new file, which must not be there afterwards. */
  async function refusal(file: string, key = box): Promise<unknown> {
    const target = `${file}.imported.db`;
    const error: unknown = await withImportSource(file, key, ({ contents }) =>
      importIntoSqlite(target, contents, { box: key, ...quiet }),
    ).catch((reason: unknown) => reason);
    expect(await readdir(dirname(file))).not.toContain('config.jsonl.imported.db');
    return error;
  }

  it('refuses an incomplete file, wherever it ends', async () => {
    const { file, lines } = await filledExport();
    for (let count = 0; count < lines.length - 1; count += 1) {
      await writeFile(
        file,
        lines
          .slice(0, count)
          .map((line) => `${line}\n`)
          .join(''),
      );
      const code = count === 0 ? 'ERR_STORAGE_FOREIGN' : 'ERR_STORAGE_CORRUPT';
      expect(await refusal(file), `${count} lines`).toMatchObject({ code });
      await writeFile(
        file,
        `${lines
          .slice(0, count)
          .map((line) => `${line}\n`)
          .join('')}${lines[count]?.slice(0, -3)}`,
      );
      expect(await refusal(file), `${count} lines and a half`).toMatchObject({ code });
    }
  });

  it('refuses a file in which one character was changed, on any line', async () => {
    const { file, lines } = await filledExport();
    for (const [index, line] of lines.entries()) {
      if (line === '') continue;
      const at = Math.floor(line.length * 0.6);
      const changed = `${line.slice(0, at)}${line[at] === '7' ? '8' : '7'}${line.slice(at + 1)}`;
      await writeFile(file, lines.with(index, changed).join('\n'));
      expect(await refusal(file), changed).toMatchObject({
        code: expect.stringMatching(/^ERR_(STORAGE|ENCRYPTION_KEY)_/),
      });
    }
    await writeFile(file, lines.toSpliced(3, 1).join('\n'));
    expect(await refusal(file)).toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
    await writeFile(file, [...lines.slice(0, -1), '{}', ''].join('\n'));
    expect(await refusal(file)).toMatchObject({
      message: expect.stringContaining('something follows its end'),
    });
  });

  it('refuses a file that was changed together with its checksums: they need the key', async () => {
    const { file, lines } = await filledExport();
    const forger = new SecretBox(randomBytes(32));
    const body = lines.slice(0, -2);
    const mac = forger
      .createMac('export')
      .update(`${body.join('\n')}\n`)
      .digest('hex');
    const end = { ...(JSON.parse(lines.at(-2) ?? '') as object), mac };
    await writeFile(file, [...body, JSON.stringify(end), ''].join('\n'));
    expect(await refusal(file)).toMatchObject({ message: expect.stringContaining('authentication code') });
  });

  it.each([
    ['text', 'precious notes\n', 'ERR_STORAGE_FOREIGN', 'is not an export'],
    ['JSON of another program', '{"format":"other"}\n', 'ERR_STORAGE_FOREIGN', 'is not an export'],
    ['nothing', '', 'ERR_STORAGE_FOREIGN', 'is not an export'],
    [
      'a newer format',
      '{"format":"smooai-config-export","formatVersion":2}\n',
      'ERR_STORAGE_NEWER',
      'version 2',
    ],
  ])('refuses %s', async (_, text, code, words) => {
    const file = join(await temporaryDirectory(), 'config.jsonl');
    await writeFile(file, text);
    expect(await refusal(file)).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('refuses the export of a newer database, one that needs another key, and a missing file', async () => {
    const { file, lines } = await filledExport();
    await expect(refusal(file, new SecretBox(randomBytes(32)))).resolves.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_WRONG',
      message: expect.stringContaining(box.keyId),
    });
    await writeFile(
      file,
      lines.with(0, String(lines[0]).replace('"databaseVersion":2', '"databaseVersion":99')).join('\n'),
    );
    expect(await refusal(file)).toMatchObject({ code: 'ERR_STORAGE_NEWER' });
    expect(await refusal(join(dirname(file), 'missing'))).toMatchObject({
      code: 'ERR_STORAGE_UNAVAILABLE',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('replaces no SQLite file, and uses no name with the log of another', async () => {
    const { file, db } = await filledExport();
    const run = (target: string) =>
      withImportSource(file, box, ({ contents }) => importIntoSqlite(target, contents, { box, ...quiet }));
    await expect(run(db)).rejects.toThrow('exists. Nothing was imported');
    await writeFile(`${file}.new.db-wal`, 'frames');
    await expect(run(`${file}.new.db`)).rejects.toThrow('belongs to another database');
  });

  it('leaves nothing behind if it fails in the middle', async () => {
    const { file } = await filledExport();
    const before = await readdir(dirname(file));
    const onTable = ({ name }: CopiedTable): void => {
      if (name === 'config_values') throw new Error('stopped');
    };
    const attempt = withImportSource(file, box, ({ contents }) =>
      importIntoSqlite(`${file}.db`, contents, { box, onTable }),
    );
    await expect(attempt).rejects.toThrow('stopped');
    expect(await readdir(dirname(file))).toEqual(before);
  });
});

describe.skipIf(!hasPostgres)('with PostgreSQL (left out if it is not installed)', SLOW, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  }, 60_000);

  const importFile = (file: string, url: string, progress = quiet, key = encryptionKey): Promise<void> =>
    withImportSource(file, new SecretBox(key), ({ contents }) =>
      importIntoPostgres({ url, encryptionKey: key }, contents, progress),
    );

  it('imports a SQLite file and an export of it, with the same checksums', async () => {
    const { db, file, ...filled } = await filledExport();
    const checksums: CopiedTable[][] = [];
    for (const source of [db, file]) {
      const database = await postgres.createDatabase();
      const tables: CopiedTable[] = [];
      await importFile(source, database, { onTable: (table) => tables.push(table) });
      checksums.push(tables);
      await expectSame(filled, { database });
    }
    expect(checksums[0]).toEqual(checksums[1]);
    expect(checksums[0]).toHaveLength(11);
  });

  it('exports a database that becomes a SQLite file', async () => {
    const url = await postgres.createDatabase();
    const filled = await fill({ database: url });
    const file = join(await temporaryDirectory(), 'config.jsonl');
    // Servers go on meanwhile.
    await startServer({ database: url, env });
    await exportPostgres({ url, encryptionKey }, (contents, databaseVersion) =>
      writeExport(contents, { file, box, databaseVersion, at: '2026-01-01T00:00:00.000Z', ...quiet }),
    );
    const db = `${file}.db`;
    await withImportSource(file, box, ({ contents }) => importIntoSqlite(db, contents, { box, ...quiet }));
    await expectSame(filled, { db });
  });

  it('begins a new epoch', async () => {
    const { file } = await filledExport();
    const database = await postgres.createDatabase();
    await importFile(file, database);
    const epochs = "select value from facts where name = 'epoch'";
    const [imported] = await postgres.query(database, epochs);
    expect(imported?.value).toMatch(/^[0-9a-f]{12}$/);
  });

  it('imports nothing if it fails in the middle, and can be repeated', async () => {
    const { file } = await filledExport();
    const database = await postgres.createDatabase();
    const onTable = ({ name }: CopiedTable): void => {
      if (name === 'config_values') throw new Error('stopped');
    };
    await expect(importFile(file, database, { onTable })).rejects.toThrow('stopped');
    expect(await postgres.query(database, 'select id from organizations')).toEqual([]);
    await importFile(file, database);
    expect(await postgres.query(database, 'select id from organizations')).toHaveLength(1);
  });

  it('refuses a database that is in use, a file whose server runs, and another key', async () => {
    const { db, file } = await filledExport();
    const other = await postgres.createDatabase();
    await expect(importFile(db, other, quiet, randomBytes(32))).rejects.toMatchObject({
      code: 'ERR_ENCRYPTION_KEY_WRONG',
    });
    const database = await postgres.createDatabase();
    const server = await createConfigServer({ db, env });
    await expect(importFile(db, database)).rejects.toMatchObject({ code: 'ERR_STORAGE_LOCKED' });
    await server.close();
    await importFile(file, database);
    await expect(importFile(file, database)).rejects.toThrow('has an organization already');
    await expect(exportPostgres({ url: other, encryptionKey }, async () => undefined)).rejects.toMatchObject({
      code: 'ERR_STORAGE_FOREIGN',
      message: expect.stringContaining('is empty'),
    });
  });
});

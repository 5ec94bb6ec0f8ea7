import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { build } from 'tsdown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../test-support/postgres.ts';
import { temporaryDirectory } from '../test-support/running-server.ts';
import { authClientRow, insertShop, segmentRow, valueRow } from '../test-support/storage-fixtures.ts';
import { SecretBox } from './encryption.ts';
import { withDatabaseCopy } from './portable/import-source.ts';
import { writeExport } from './portable/write-export.ts';
import { openPostgresStorage } from './postgres/postgres-storage.ts';
import { closeDatabase } from './sqlite/libsql-dialect.ts';
import { openSqliteStorage } from './sqlite/sqlite-storage.ts';
import type { Storage } from './storage.ts';

const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));
const encryptionKey = randomBytes(32);
/** Each kill takes a process. */
const SLOW = { timeout: 900_000 };
/** The first, a middle and the last statement of each step, and the end of the transaction. */
const MIGRATION_POINTS =
  'create table (organizations|segments|access_changes)|alter table changes|insert into "migrations"|^commit';
const IMPORT_POINTS = '^insert|^commit';
/** Makes a database one of the first version. */
const TO_VERSION_1 = [
  'drop table access_changes',
  'alter table changes drop column needs_reload',
  'delete from migrations where version = 2',
];

let directory = '';
beforeAll(async () => {
  // Inside the package, so that the built script finds the package's dependencies.
  await mkdir(join(packageDirectory, 'test-results'), { recursive: true });
  directory = await mkdtemp(join(packageDirectory, 'test-results', 'killed-'));
  await build({
    config: false,
    cwd: packageDirectory,
    entry: ['src/test-support/killed-at-statement.ts'],
    outDir: directory,
    fixedExtension: true,
    format: ['esm'],
    platform: 'node',
    dts: false,
    logLevel: 'silent',
  });
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Work {
  kind: 'migrate' | 'import';
  /** A file or a URL. */
  database: string;
  /** The export to import. */
  file?: string;
}

/** Runs the work until its n-th point. Returns the statement there, or undefined if the work came to its end. */
async function runUntil(work: Work, count: number): Promise<string | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    const { isKilled, code, output, errors } = await runOnce(work, count);
    if (isKilled) return output;
    if (code === 0) return undefined;
    // A busy machine may take longer to connect than a server waits.
    if (attempt === 5 || !errors.includes('ERR_STORAGE_UNAVAILABLE')) throw new Error(errors);
  }
}

interface Ended {
  isKilled: boolean;
  code: number | null;
  output: string;
  errors: string;
}

async function runOnce({ kind, database, file = '' }: Work, count: number): Promise<Ended> {
  const script = join(directory, 'killed-at-statement.mjs');
  const points = kind === 'migrate' ? MIGRATION_POINTS : IMPORT_POINTS;
  const args = [script, kind, database, encryptionKey.toString('base64'), points, String(count), file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await once(child, 'close');
  return { isKilled: child.signalCode === 'SIGKILL', code: child.exitCode, output, errors };
}

/** Kills the work at each of its points, and lets it come to its end. Returns the statements at which it was killed. */
async function killAtEach(work: Work, check: (statement: string) => Promise<void>): Promise<string[]> {
  const statements: string[] = [];
  for (;;) {
    const statement = await runUntil(work, statements.length + 1);
    if (statement === undefined) return statements;
    statements.push(statement);
    await check(statement);
  }
}

/** An export with rows in most tables. */
async function exportShop(): Promise<{ file: string; organizationId: string }> {
  const folder = await temporaryDirectory();
  const [db, file] = [join(folder, 'source.db'), join(folder, 'config.jsonl')];
  const storage = await openSqliteStorage({ file: db, encryptionKey });
  const shop = await insertShop(storage);
  await storage.upsertValue(valueRow(shop, { tier: 'secret', value: 'hush' }));
  await storage.upsertSegment(segmentRow(shop, {}));
  await storage.insertAuthClient(authClientRow(shop, {}));
  await storage.recordAccessChange({ kind: 'client', id: 'one', mayDoLess: false });
  await storage.insertRevokedToken('jti', 5_000_000_000);
  await storage.close();
  const box = new SecretBox(encryptionKey);
  await withDatabaseCopy({ file: db, box, directory: folder }, ({ contents, version }) =>
    writeExport(contents, { file, box, databaseVersion: version, at: '2026', onTable: () => undefined }),
  );
  return { file, organizationId: shop.organization.id };
}

/** The names of the tables, and the newest version, as both engines return them. */
type Rows = (statement: string) => Promise<Record<string, unknown>[]>;

async function expectWhole(storage: Storage, organizationIds: string[]): Promise<void> {
  expect((await storage.listOrganizations()).map(({ id }) => id)).toEqual(organizationIds);
  await storage.recordAccessChange({ kind: 'client', id: 'two', mayDoLess: false });
  await storage.close();
}

describe('SQLite', SLOW, () => {
  const open = (file: string): Promise<Storage> => openSqliteStorage({ file, encryptionKey });

  function rowsOf(file: string): Rows {
    return async (statement) => {
      const database = new Database(file);
      try {
        database.exec('pragma locking_mode = EXCLUSIVE');
        return database.prepare(statement).all() as Record<string, unknown>[];
      } finally {
        closeDatabase(database);
      }
    };
  }

  it('a migration that is killed at any step is rolled back, and begun again', async () => {
    const file = join(await temporaryDirectory(), 'config.db');
    const tables = "select name from sqlite_master where type = 'table'";
    const killed = await killAtEach({ kind: 'migrate', database: file }, async () => {
      expect(await rowsOf(file)(tables)).toEqual([]);
    });
    expect(killed).toHaveLength(7);
    await expectWhole(await open(file), []);
  });

  it('a migration from an older version keeps its rows, wherever it is killed', async () => {
    const file = join(await temporaryDirectory(), 'config.db');
    const storage = await open(file);
    const shop = await insertShop(storage);
    await storage.close();
    const old = new Database(file);
    for (const statement of TO_VERSION_1) old.exec(statement);
    closeDatabase(old);
    const killed = await killAtEach({ kind: 'migrate', database: file }, async () => {
      expect(await rowsOf(file)('select version from migrations')).toEqual([{ version: 1 }]);
      expect(await rowsOf(file)('select id from organizations')).toEqual([{ id: shop.organization.id }]);
    });
    expect(killed).toHaveLength(4);
    await expectWhole(await open(file), [shop.organization.id]);
  });

  it('an import that is killed at any table leaves no file, and is begun again', async () => {
    const { file, organizationId } = await exportShop();
    const database = join(dirname(file), 'config.db');
    const killed = await killAtEach({ kind: 'import', database, file }, async () => {
      expect(await readdir(dirname(file))).not.toContain('config.db');
    });
    expect(killed.length).toBeGreaterThan(8);
    await expectWhole(await open(database), [organizationId]);
  });
});

describe.skipIf(!hasPostgres)('PostgreSQL (left out if it is not installed)', SLOW, () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  }, 120_000);

  const open = (url: string): Promise<Storage> => openPostgresStorage({ url, encryptionKey });

  /** Queries a database that the killed process has left: PostgreSQL notices it a little later. */
  function rowsOf(url: string): Rows {
    return async (statement) => {
      const others = `select 1 from pg_stat_activity where application_name = 'smooai-config-server'
        and datname = current_database()`;
      await expect.poll(() => postgres.query(url, others), { timeout: 120_000 }).toEqual([]);
      return postgres.query(url, statement);
    };
  }

  it('a migration that is killed at any step is rolled back, and begun again', async () => {
    const database = await postgres.createDatabase();
    const killed = await killAtEach({ kind: 'migrate', database }, async () => {
      expect(await rowsOf(database)("select 1 from pg_tables where schemaname = 'public'")).toEqual([]);
    });
    expect(killed).toHaveLength(7);
    await expectWhole(await open(database), []);
  });

  it('a migration from an older version keeps its rows, wherever it is killed', async () => {
    const database = await postgres.createDatabase();
    const storage = await open(database);
    const shop = await insertShop(storage);
    await storage.close();
    await postgres.query(database, TO_VERSION_1.join(';'));
    const killed = await killAtEach({ kind: 'migrate', database }, async () => {
      expect(await rowsOf(database)('select version from migrations')).toEqual([{ version: 1 }]);
      expect(await rowsOf(database)('select id from organizations')).toEqual([{ id: shop.organization.id }]);
    });
    expect(killed).toHaveLength(4);
    await expectWhole(await open(database), [shop.organization.id]);
  });

  it('an import that is killed at any table is rolled back, and begun again', async () => {
    const { file, organizationId } = await exportShop();
    const database = await postgres.createDatabase();
    await (await open(database)).close();
    const killed = await killAtEach({ kind: 'import', database, file }, async () => {
      expect(await rowsOf(database)('select id from organizations')).toEqual([]);
    });
    expect(killed.length).toBeGreaterThan(7);
    await expectWhole(await open(database), [organizationId]);
  });
});

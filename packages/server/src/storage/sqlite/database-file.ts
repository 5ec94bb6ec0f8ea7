import { rm } from 'node:fs/promises';
import Database from 'libsql';
import { exists, isConfigDatabase, syncFile } from '../data-files.ts';
import type { SecretBox } from '../encryption.ts';
import {
  PORTABLE_TABLES,
  type PortableTable,
  type Row,
  type TableContent,
} from '../portable/portable-tables.ts';
import { CHECK_NAME, refuseNewer, requireKey } from '../sql/migrations.ts';
import { StorageError } from '../storage-error.ts';
import { copyDatabase, type OnBytes } from './database-copy.ts';
import { closeDatabase, translateError } from './libsql-dialect.ts';

/** What a database says about itself. */
export interface DatabaseFacts {
  version: number;
  /** Identifies its encryption key. */
  keyId: string;
}

/**
 * Copies a database, which a server may have open, into `draft`: one file without a log, checked and on disk.
 * @param box if given, the database must have its key
 * @throws {StorageError} if the database is missing, foreign, damaged, newer, or has another key
 */
export async function takeCopy(
  file: string,
  draft: string,
  { box, onBytes }: { box?: SecretBox | undefined; onBytes?: OnBytes | undefined },
): Promise<DatabaseFacts> {
  try {
    await copyDatabase(file, draft, onBytes);
    const facts = checkCopy(draft, box);
    await syncFile(draft);
    return facts;
  } catch (error) {
    if (error instanceof StorageError) throw withFile(error, file);
    throw error;
  } finally {
    await removeSideFiles(draft);
  }
}

/** Removes what SQLite keeps beside a database while it is open. */
export async function removeSideFiles(draft: string): Promise<void> {
  for (const end of ['-wal', '-shm', '-journal']) await rm(`${draft}${end}`, { force: true });
}

/**
 * Locks a database until the returned connection is closed, so that no server has it open or opens it, and moves its log into
 * it. A damaged one cannot be locked: no server runs with it. Undefined for such a file, and if there is none.
 * @throws {StorageError} if a server uses it
 */
export async function lockUnused(file: string): Promise<Database.Database | undefined> {
  // SQLite would delete the log of a file that is not a database.
  if (!(await isConfigDatabase(file))) return undefined;
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = EXCLUSIVE; begin exclusive; commit');
    database.pragma('journal_mode = DELETE');
    return database;
  } catch (error) {
    database.close();
    const known = translateError(error);
    if (known instanceof StorageError && known.code === 'ERR_STORAGE_CORRUPT') return undefined;
    if (!(known instanceof StorageError) || known.code !== 'ERR_STORAGE_LOCKED') throw known;
    const message = `A server uses the database ${file}. Nothing was changed: stop it, and try again.`;
    throw new StorageError('ERR_STORAGE_LOCKED', message, { cause: known.cause });
  }
}

/** The tables of a closed database, one after another. */
export async function* readTables(file: string, version: number): AsyncGenerator<TableContent> {
  const database = new Database(file, { readonly: true });
  try {
    for (const table of PORTABLE_TABLES) {
      if (table.since <= version) yield { table, rows: readRows(database, table) };
    }
  } finally {
    database.close();
  }
}

/**
 * Refuses the name of a new database beside which there is a log of another one: SQLite would add that to the new one.
 * @throws {StorageError} naming the log
 */
export async function refuseForeignLog(file: string): Promise<void> {
  for (const log of [`${file}-wal`, `${file}-journal`]) {
    if (!(await exists(log))) continue;
    throw new StorageError(
      'ERR_STORAGE_FOREIGN',
      `There is a ${log}, which belongs to another database. Nothing was changed: choose another name.`,
    );
  }
}

function readRows(database: Database.Database, { name, key }: PortableTable): Row[] {
  return database.prepare(`select * from ${name} order by ${key.join(', ')}`).all() as Row[];
}

function checkCopy(draft: string, box: SecretBox | undefined): DatabaseFacts {
  const database = new Database(draft);
  try {
    // Reads the log without a file for its index beside it.
    database.exec('pragma locking_mode = EXCLUSIVE; begin exclusive; commit');
    const rows = database.prepare('pragma integrity_check(1)').all() as { integrity_check?: string }[];
    if (rows[0]?.integrity_check !== 'ok') throw damaged();
    const facts = readFacts(database, box);
    // Moves the log into the file. `closeDatabase` alone would leave it if the disk is full.
    database.pragma('journal_mode = DELETE');
    closeDatabase(database);
    return facts;
  } catch (error) {
    database.close();
    throw translateError(error);
  }
}

function readFacts(database: Database.Database, box: SecretBox | undefined): DatabaseFacts {
  const tables = database
    .prepare("select name from sqlite_master where name in ('migrations', 'facts')")
    .all();
  if (tables.length < 2) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'The database is empty: no server has used it.');
  }
  const { version } = database.prepare('select max(version) as version from migrations').get() as {
    version: number;
  };
  refuseNewer('The database', version);
  const check = database.prepare('select value from facts where name = ?').get([CHECK_NAME]) as {
    value?: string;
  };
  const keyId = check?.value?.split('.')[1];
  if (check?.value === undefined || keyId === undefined) throw damaged();
  if (box) requireKey(check.value, box);
  return { version, keyId };
}

function damaged(): StorageError {
  return new StorageError('ERR_STORAGE_CORRUPT', 'The database is damaged: use another backup.');
}

function withFile(error: StorageError, file: string): StorageError {
  if (error.message.includes(file)) return error;
  return new StorageError(error.code, `${file}: ${error.message}`, { cause: error.cause });
}

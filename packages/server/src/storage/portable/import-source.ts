import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeSuffix } from '../../lib/error-code.ts';
import { makeDirectory } from '../data-files.ts';
import type { SecretBox } from '../encryption.ts';
import { lockUnused, readTables, takeCopy } from '../sqlite/database-file.ts';
import { closeDatabase } from '../sqlite/libsql-dialect.ts';
import { StorageError } from '../storage-error.ts';
import type { TableContent } from './portable-tables.ts';
import { readExport, verifyExport } from './read-export.ts';

const SQLITE_MAGIC = 'SQLite format 3\0';

/** A checked file to import. */
export interface ImportSource {
  kind: 'export' | 'database';
  /** The version of the database that it contains. */
  version: number;
  contents: AsyncIterable<TableContent>;
}

/**
 * Checks a file, which is an export or a SQLite database whose server does not run, and passes its tables to `work`.
 * @throws {StorageError} for a file that is missing, foreign, newer, incomplete or changed, in use, or that has another key
 */
export async function withImportSource<Result>(
  file: string,
  box: SecretBox,
  work: (source: ImportSource) => Promise<Result>,
): Promise<Result> {
  if (!(await isDatabase(file))) {
    const { databaseVersion } = await verifyExport(file, box);
    return work({ kind: 'export', version: databaseVersion, contents: readExport(file, box) });
  }
  // A server could go on writing what would not be imported.
  const lock = await lockUnused(file);
  if (lock) closeDatabase(lock);
  return withDatabaseCopy({ file, box, directory: tmpdir() }, ({ contents, version }) =>
    work({ kind: 'database', version, contents }),
  );
}

/**
 * Passes the tables of a SQLite database to `work`, all of one state. A server may have it open.
 * @throws {StorageError} for a database that is missing, foreign, damaged, newer, or that has another key
 */
export async function withDatabaseCopy<Result>(
  /** The copy, which contains no readable secret, is kept in `directory`. It is created if it is missing. */
  { file, box, directory }: { file: string; box: SecretBox; directory: string },
  work: (copy: { contents: AsyncIterable<TableContent>; version: number }) => Promise<Result>,
): Promise<Result> {
  await makeDirectory(directory);
  const folder = await mkdtemp(join(directory, 'smooai-config-'));
  try {
    const draft = join(folder, 'copy.db');
    const { version } = await takeCopy(file, draft, { box });
    return await work({ contents: readTables(draft, version), version });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isDatabase(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'r');
    try {
      const magic = Buffer.alloc(SQLITE_MAGIC.length);
      await handle.read(magic, 0, magic.length, 0);
      return magic.toString('latin1') === SQLITE_MAGIC;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const message = `The file ${file} cannot be read${codeSuffix(cause)}.`;
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', message, { cause });
  }
}

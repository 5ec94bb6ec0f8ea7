import { CamelCasePlugin, Kysely } from 'kysely';
import Database from 'libsql';
import { APPLICATION_ID, exists, placeFile, syncFile, writeAtomically } from '../data-files.ts';
import type { SecretBox } from '../encryption.ts';
import { type CopyProgress, copyTables } from '../portable/copy-tables.ts';
import type { TableContent } from '../portable/portable-tables.ts';
import { migrate } from '../sql/migrations.ts';
import type { Tables } from '../sql/tables.ts';
import { StorageError } from '../storage-error.ts';
import { refuseForeignLog, removeSideFiles } from './database-file.ts';
import { LibsqlDialect } from './libsql-dialect.ts';

/**
 * Copies tables into a new SQLite file, which gets its name when it is complete and on disk: if the import fails or is killed,
 * it can be repeated.
 * @throws {StorageError} if the file exists
 */
export async function importIntoSqlite(
  file: string,
  contents: AsyncIterable<TableContent>,
  options: CopyProgress & { box: SecretBox },
): Promise<void> {
  await refuseForeignLog(file);
  if (await exists(file)) {
    const message = `The file ${file} exists. Nothing was imported: name a file that does not exist.`;
    throw new StorageError('ERR_STORAGE_FOREIGN', message);
  }
  await writeAtomically(file, '', async (draft) => {
    try {
      await fillDraft(draft, contents, options);
      await syncFile(draft);
      await placeFile(draft, file, { force: false });
    } finally {
      await removeSideFiles(draft);
    }
  });
}

async function fillDraft(
  draft: string,
  contents: AsyncIterable<TableContent>,
  { box, ...progress }: CopyProgress & { box: SecretBox },
): Promise<void> {
  const database = new Database(draft);
  database.exec(`pragma application_id = ${APPLICATION_ID}; pragma foreign_keys = ON`);
  const db = new Kysely<Tables>({
    dialect: new LibsqlDialect(database, () => undefined),
    plugins: [new CamelCasePlugin()],
  });
  try {
    await migrate(db, box, { engine: 'sqlite' });
    await db.transaction().execute((transaction) => copyTables(transaction, contents, progress));
  } finally {
    await db.destroy();
  }
}

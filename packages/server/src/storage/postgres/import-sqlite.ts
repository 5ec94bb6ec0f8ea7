import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import Database from 'libsql';
import type { Tables } from '../sql/tables.ts';
import { openSqliteStorage } from '../sqlite/sqlite-storage.ts';
import { StorageError } from '../storage-error.ts';

/** The tables in an order in which every row finds the rows that it refers to, with their primary keys. */
const TABLES: readonly { name: string; key: readonly string[] }[] = [
  { name: 'organizations', key: ['id'] },
  { name: 'environments', key: ['id'] },
  { name: 'schemas', key: ['id'] },
  { name: 'schema_versions', key: ['schema_id', 'version'] },
  { name: 'config_values', key: ['id'] },
  { name: 'segments', key: ['environment_id', 'name'] },
  { name: 'changes', key: ['environment_id', 'revision'] },
  { name: 'access_changes', key: ['revision'] },
  { name: 'auth_clients', key: ['id'] },
  { name: 'signing_keys', key: ['kid'] },
  { name: 'revoked_tokens', key: ['jti'] },
];

type Row = Readonly<Record<string, unknown>>;

/** A table that was copied. */
export interface ImportedTable {
  name: string;
  rows: number;
  /** SHA-256 of all rows, the same in both databases. */
  checksum: string;
}

export interface ImportOptions {
  /** The SQLite file; its server must not run. */
  file: string;
  /** The key of the file, which the PostgreSQL database has too: secrets are copied as they are. */
  encryptionKey: Buffer;
  onTable: (table: ImportedTable) => void;
}

/**
 * Copies a SQLite file into a PostgreSQL database without an organization, with revisions, clients and signing keys. Use it
 * in one transaction, so that everything is copied or nothing.
 * @throws {StorageError} if the file is missing, in use or has another key, or the database is not empty
 */
export async function importSqlite(transaction: Kysely<Tables>, options: ImportOptions): Promise<void> {
  const { file, encryptionKey, onTable } = options;
  await requireFile(file);
  // Brings the file to the newest version, and checks its key and that no server uses it.
  await (await openSqliteStorage({ file, encryptionKey })).close();
  await requireEmpty(transaction);
  const source = new Database(file, { readonly: true });
  try {
    for (const { name, key } of TABLES) {
      const rows = source.prepare(`select * from ${name} order by ${key.join(', ')}`).all() as Row[];
      for (const row of name === 'environments' ? fallbacksFirst(rows) : rows) {
        await sql`insert into ${sql.table(name)} (${columnsOf(row)}) values (${sql.join(Object.values(row))})`.execute(
          transaction,
        );
      }
      const columns = rows[0] === undefined ? sql`1` : columnsOf(rows[0]);
      const order = sql.join(key.map((column) => sql.ref(column)));
      const copied = await sql<Row>`select ${columns} from ${sql.table(name)} order by ${order}`.execute(
        transaction,
      );
      const checksum = checksumOf(rows);
      if (checksumOf(copied.rows) !== checksum) {
        throw new StorageError('ERR_STORAGE_CORRUPT', `The copy of ${name} differs. Nothing was imported.`);
      }
      onTable({ name, rows: rows.length, checksum });
    }
  } finally {
    source.close();
  }
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() && found.size > 0) return;
  throw new StorageError('ERR_STORAGE_UNAVAILABLE', `The database ${file} does not exist or is empty.`);
}

async function requireEmpty(transaction: Kysely<Tables>): Promise<void> {
  const row = await transaction.selectFrom('organizations').select('id').executeTakeFirst();
  if (row === undefined) return;
  throw new StorageError(
    'ERR_STORAGE_FOREIGN',
    'The database has an organization already. Nothing was imported: use an empty database.',
  );
}

/** An environment refers to its fallback. */
function fallbacksFirst(rows: readonly Row[]): Row[] {
  const sorted: Row[] = [];
  const done = new Set<unknown>([null]);
  while (sorted.length < rows.length) {
    const ready = rows.filter((row) => !done.has(row.id) && done.has(row.fallback_environment_id));
    if (ready.length === 0) throw new StorageError('ERR_STORAGE_CORRUPT', 'The fallbacks are a cycle.');
    for (const row of ready) done.add(row.id);
    sorted.push(...ready);
  }
  return sorted;
}

function columnsOf(row: Row): RawBuilder<unknown> {
  return sql.join(Object.keys(row).map((column) => sql.ref(column)));
}

function checksumOf(rows: readonly Row[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(Object.values(row))}\n`);
  return hash.digest('hex');
}

import { type Kysely, type RawBuilder, sql } from 'kysely';
import { newEpoch } from '../sql/replica-operations.ts';
import type { Tables } from '../sql/tables.ts';
import { StorageError } from '../storage-error.ts';
import {
  type CopiedTable,
  checksumOf,
  insertionOrder,
  type PortableTable,
  type Row,
  type TableContent,
} from './portable-tables.ts';

/** Few enough for the parameters of one statement, and for its size with large values. */
const ROWS_PER_STATEMENT = 50;

/** Follows a copy. */
export interface CopyProgress {
  /** Called before and during a table with many rows. */
  onRows?: (progress: { table: string; done: number; total: number }) => void;
  /** Called when a table is copied and its checksum is the same on both sides. */
  onTable: (table: CopiedTable) => void;
}

/**
 * Copies tables into a database without an organization, and begins a new epoch: the revisions mean something else than
 * before. Use it in one transaction, so that everything is copied or nothing.
 * @throws {StorageError} if the database is not empty, or a copy differs
 */
export async function copyTables(
  transaction: Kysely<Tables>,
  contents: AsyncIterable<TableContent>,
  progress: CopyProgress,
): Promise<void> {
  // The names of columns are those of the database.
  const target = transaction.withoutPlugins();
  await requireEmpty(target);
  for await (const content of contents) {
    const { table, rows } = content;
    const ordered = insertionOrder(content);
    for (let done = 0; done < ordered.length; done += ROWS_PER_STATEMENT) {
      progress.onRows?.({ table: table.name, done, total: ordered.length });
      await insertRows(target, table, ordered.slice(done, done + ROWS_PER_STATEMENT));
    }
    const columns = Object.keys(rows[0] ?? {});
    const checksum = checksumOf(rows);
    const copied = checksumOf(await readTable(target, table, columns));
    if (copied !== checksum) {
      throw new StorageError(
        'ERR_STORAGE_CORRUPT',
        `The copy of ${table.name} differs. Nothing was imported.`,
      );
    }
    progress.onTable({ name: table.name, rows: rows.length, checksum });
  }
  await sql`insert into facts (name, value) values ('epoch', ${newEpoch()})
    on conflict (name) do update set value = excluded.value`.execute(target);
}

/** Reads a table in the order of its key. @param columns all by default */
export async function readTable(
  db: Kysely<Tables>,
  { name, key }: PortableTable,
  columns: readonly string[] = [],
): Promise<Row[]> {
  const selected = columns.length === 0 ? sql`*` : references(columns);
  const query = sql<Row>`select ${selected} from ${sql.table(name)} order by ${references(key)}`;
  return (await query.execute(db.withoutPlugins())).rows;
}

async function insertRows(db: Kysely<Tables>, table: PortableTable, rows: readonly Row[]): Promise<void> {
  const columns = references(Object.keys(rows[0] ?? {}));
  const values = sql.join(rows.map((row) => sql`(${sql.join(Object.values(row))})`));
  await sql`insert into ${sql.table(table.name)} (${columns}) values ${values}`.execute(db);
}

async function requireEmpty(db: Kysely<Tables>): Promise<void> {
  const row = await db.selectFrom('organizations').select('id').executeTakeFirst();
  if (row === undefined) return;
  throw new StorageError(
    'ERR_STORAGE_FOREIGN',
    'The database has an organization already. Nothing was imported: use an empty database.',
  );
}

function references(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)));
}

import { createHash, type Hash } from 'node:crypto';
import { StorageError } from '../storage-error.ts';

/** A table whose rows move with a database. */
export interface PortableTable {
  readonly name: string;
  /** The columns of its primary key, by which its rows are sorted. */
  readonly key: readonly string[];
  /** The version of the database that brought it. */
  readonly since: number;
}

/**
 * The tables in an order in which every row finds the rows that it refers to. The facts are not among them: they are about
 * one database, such as its epoch.
 */
export const PORTABLE_TABLES: readonly PortableTable[] = [
  { name: 'organizations', key: ['id'], since: 1 },
  { name: 'environments', key: ['id'], since: 1 },
  { name: 'schemas', key: ['id'], since: 1 },
  { name: 'schema_versions', key: ['schema_id', 'version'], since: 1 },
  { name: 'config_values', key: ['id'], since: 1 },
  { name: 'segments', key: ['environment_id', 'name'], since: 1 },
  { name: 'changes', key: ['environment_id', 'revision'], since: 1 },
  { name: 'access_changes', key: ['revision'], since: 2 },
  { name: 'auth_clients', key: ['id'], since: 1 },
  { name: 'signing_keys', key: ['kid'], since: 1 },
  { name: 'revoked_tokens', key: ['jti'], since: 1 },
];

/** One column of a row, as both databases store it. */
export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;

/** The rows of one table, sorted by its key. */
export interface TableContent {
  table: PortableTable;
  rows: readonly Row[];
}

/** A table that was copied. */
export interface CopiedTable {
  name: string;
  rows: number;
  /** SHA-256 of all rows, the same in both databases. */
  checksum: string;
}

/** The text of a row, which is the same whatever database it comes from. */
export function rowText(row: Row): string {
  return JSON.stringify(Object.values(row));
}

/** Adds a row to a checksum. */
export function hashRow(hash: Hash, text: string): void {
  hash.update(text).update('\n');
}

/** The SHA-256 of the rows of a table. */
export function checksumOf(rows: readonly Row[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hashRow(hash, rowText(row));
  return hash.digest('hex');
}

/** Rows in an order in which they can be inserted: an environment refers to its fallback. */
export function insertionOrder({ table, rows }: TableContent): readonly Row[] {
  if (table.name !== 'environments') return rows;
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

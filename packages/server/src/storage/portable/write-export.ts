import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { placeFile, refuseExisting, writeAtomically } from '../data-files.ts';
import type { SecretBox } from '../encryption.ts';
import { StorageError } from '../storage-error.ts';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  type ExportSummary,
  MAC_PURPOSE,
  MAX_LINE_BYTES,
} from './export-format.ts';
import { type CopiedTable, hashRow, rowText, type TableContent } from './portable-tables.ts';

/** Rows are written together up to this size. */
const BUFFER_CHARACTERS = 256 * 1024;

export interface ExportOptions {
  /** The file to write, with mode 0600. */
  file: string;
  /** Whether an existing file is replaced (default false). */
  force?: boolean;
  box: SecretBox;
  /** The version of the exported database. */
  databaseVersion: number;
  /** The time of the export. */
  at: string;
  onTable: (table: CopiedTable) => void;
}

/**
 * Writes tables to a file of JSON lines: a header, then for each table a line with its columns, its rows, and a line with
 * their number and SHA-256; at the end a message authentication code of all lines before. Secrets and signing keys stay
 * encrypted as they are in the database. The file gets its name when it is complete and on disk.
 * @throws {StorageError} if the file exists, or cannot be written, or an import would refuse it because of a long row
 */
export async function writeExport(
  contents: AsyncIterable<TableContent>,
  options: ExportOptions,
): Promise<ExportSummary> {
  const { file, force = false } = options;
  if (!force) await refuseExisting(file);
  let rows = 0;
  await writeAtomically(file, '', async (draft) => {
    const handle = await open(draft, 'r+');
    try {
      rows = await writeLines(handle, contents, options);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await placeFile(draft, file, { force });
  });
  const { databaseVersion, at, box } = options;
  return { databaseVersion, exportedAt: at, keyId: box.keyId, rows };
}

async function writeLines(
  handle: FileHandle,
  contents: AsyncIterable<TableContent>,
  { box, databaseVersion, at, onTable }: ExportOptions,
): Promise<number> {
  const mac = box.createMac(MAC_PURPOSE);
  let buffer = '';
  const flush = async (): Promise<void> => {
    mac.update(buffer);
    await handle.writeFile(buffer);
    buffer = '';
  };
  const write = async (text: string): Promise<void> => {
    buffer += `${text}\n`;
    if (buffer.length > BUFFER_CHARACTERS) await flush();
  };
  const header = { format: EXPORT_FORMAT, formatVersion: EXPORT_VERSION, databaseVersion, keyId: box.keyId };
  await write(JSON.stringify({ ...header, exportedAt: at }));
  let total = 0;
  for await (const { table, rows } of contents) {
    const hash = createHash('sha256');
    await write(JSON.stringify({ table: table.name, columns: Object.keys(rows[0] ?? {}) }));
    for (const row of rows) {
      const text = rowText(row);
      if (Buffer.byteLength(text) > MAX_LINE_BYTES) throw tooLong(table.name);
      hashRow(hash, text);
      await write(text);
    }
    const checksum = hash.digest('hex');
    await write(JSON.stringify({ endOf: table.name, rows: rows.length, sha256: checksum }));
    total += rows.length;
    onTable({ name: table.name, rows: rows.length, checksum });
  }
  await flush();
  await handle.writeFile(`${JSON.stringify({ endOf: 'export', rows: total, mac: mac.digest('hex') })}\n`);
  return total;
}

function tooLong(table: string): StorageError {
  return new StorageError(
    'ERR_STORAGE_UNAVAILABLE',
    `A row of ${table} has more than ${MAX_LINE_BYTES} bytes, and an import would refuse it. Nothing was exported: ` +
      'shorten what it contains, or copy the database with backup or pg_dump.',
  );
}

import { createHash } from 'node:crypto';
import { isRecord } from '../../lib/record.ts';
import type { SecretBox } from '../encryption.ts';
import { NEWEST_VERSION, refuseNewer } from '../sql/migrations.ts';
import { StorageError } from '../storage-error.ts';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  type ExportSummary,
  MAC_PURPOSE,
  MAX_LINE_BYTES,
} from './export-format.ts';
import { readLines } from './lines.ts';
import {
  type Cell,
  hashRow,
  PORTABLE_TABLES,
  type PortableTable,
  type Row,
  type TableContent,
} from './portable-tables.ts';

const OPENING_BRACKET = 0x5b;

/**
 * Reads a whole export and checks its version, its key, every checksum and the authentication code. Call it before anything
 * is written.
 * @throws {StorageError} for a file that is foreign, newer, incomplete or changed, or that needs another key
 */
export async function verifyExport(file: string, box: SecretBox): Promise<ExportSummary> {
  const reader = readExport(file, box);
  for (;;) {
    const step = await reader.next();
    if (step.done) return step.value;
  }
}

/** Yields the tables of an export, and checks it as {@link verifyExport} does. */
export async function* readExport(file: string, box: SecretBox): AsyncGenerator<TableContent, ExportSummary> {
  const lines = new ExportLines(file, box);
  try {
    const header = await readHeader(lines, box);
    let rows = 0;
    for (const table of PORTABLE_TABLES) {
      if (table.since > header.databaseVersion) continue;
      const content = await readTable(lines, table);
      rows += content.rows.length;
      yield content;
    }
    const mac = lines.digest();
    const end = await lines.nextRecord();
    if (end.endOf !== 'export' || end.rows !== rows || end.mac !== mac) {
      throw lines.damaged('its authentication code differs');
    }
    if ((await lines.next()) !== undefined) throw lines.damaged('something follows its end');
    return { ...header, rows };
  } finally {
    await lines.close();
  }
}

/** The lines of an export, which it counts and authenticates. */
class ExportLines {
  readonly #file: string;
  readonly #lines: AsyncGenerator<Buffer>;
  readonly #mac: ReturnType<SecretBox['createMac']>;
  #number = 0;

  constructor(file: string, box: SecretBox) {
    this.#file = file;
    this.#lines = readLines(file, MAX_LINE_BYTES);
    this.#mac = box.createMac(MAC_PURPOSE);
  }

  /** Undefined at the end of the file. */
  async next(): Promise<Buffer | undefined> {
    try {
      const step = await this.#lines.next();
      if (step.done) return undefined;
      this.#number += 1;
      return step.value;
    } catch (error) {
      if (error instanceof RangeError)
        throw this.#number === 0 ? this.foreign() : this.damaged('a line is too long');
      throw error;
    }
  }

  /** A line that is authenticated and must be there. */
  async nextLine(): Promise<Buffer> {
    const line = await this.#required();
    this.#mac.update(line).update('\n');
    return line;
  }

  /** An object that is not authenticated, such as the end, which has the code. */
  async nextRecord(): Promise<Record<string, unknown>> {
    return this.parseRecord(await this.#required());
  }

  parseRecord(line: Buffer): Record<string, unknown> {
    const value = parse(line);
    if (!isRecord(value)) throw this.damaged('it is not valid JSON');
    return value;
  }

  /** The authentication code of the lines so far. */
  digest(): string {
    return this.#mac.digest('hex');
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  foreign(): StorageError {
    const message = `The file ${this.#file} is not an export of smooai-config-server. Nothing was imported.`;
    return new StorageError('ERR_STORAGE_FOREIGN', message);
  }

  damaged(problem: string): StorageError {
    return new StorageError(
      'ERR_STORAGE_CORRUPT',
      `The export ${this.#file} is damaged or was changed, line ${this.#number}: ${problem}. Nothing was imported: ` +
        'take another copy of it, or export again.',
    );
  }

  async #required(): Promise<Buffer> {
    const line = await this.next();
    if (line !== undefined) return line;
    if (this.#number === 0) throw this.foreign();
    throw new StorageError(
      'ERR_STORAGE_CORRUPT',
      `The export ${this.#file} is incomplete: it ends after line ${this.#number}. Nothing was imported: take another ` +
        'copy of it, or export again.',
    );
  }
}

async function readHeader(lines: ExportLines, box: SecretBox): Promise<Omit<ExportSummary, 'rows'>> {
  const header = parse(await lines.nextLine());
  if (!isRecord(header) || header.format !== EXPORT_FORMAT) throw lines.foreign();
  const { formatVersion, databaseVersion, keyId, exportedAt } = header;
  if (typeof formatVersion !== 'number') throw lines.damaged('"formatVersion" is missing');
  refuseNewer('The format of the export', formatVersion, EXPORT_VERSION);
  if (typeof databaseVersion !== 'number' || typeof keyId !== 'string' || typeof exportedAt !== 'string') {
    throw lines.damaged('the header is incomplete');
  }
  refuseNewer('The exported database', databaseVersion, NEWEST_VERSION);
  if (keyId !== box.keyId) {
    throw new StorageError(
      'ERR_ENCRYPTION_KEY_WRONG',
      `The export needs the encryption key ${keyId}, but the key given is ${box.keyId}. Nothing was imported: use the ` +
        'key of the exported database.',
    );
  }
  return { databaseVersion, keyId, exportedAt };
}

async function readTable(lines: ExportLines, table: PortableTable): Promise<TableContent> {
  const { table: name, columns } = lines.parseRecord(await lines.nextLine());
  if (name !== table.name) throw lines.damaged(`the table ${table.name} is missing`);
  if (!isColumns(columns)) throw lines.damaged('"columns" is not a list of names');
  const rows: Row[] = [];
  const hash = createHash('sha256');
  for (;;) {
    const line = await lines.nextLine();
    if (line[0] !== OPENING_BRACKET) {
      const end = lines.parseRecord(line);
      if (end.endOf !== name || end.rows !== rows.length || end.sha256 !== hash.digest('hex')) {
        throw lines.damaged(`the checksum of ${table.name} differs`);
      }
      return { table, rows };
    }
    const cells = parse(line);
    if (!isCells(cells) || cells.length !== columns.length)
      throw lines.damaged('it is not a row of its table');
    hashRow(hash, line.toString());
    rows.push(Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? null])));
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}

function isColumns(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.every((name) => typeof name === 'string' && /^[a-z][a-z_]*$/.test(name))
  );
}

function isCells(value: unknown): value is Cell[] {
  return (
    Array.isArray(value) &&
    value.every((cell) => cell === null || typeof cell === 'string' || typeof cell === 'number')
  );
}

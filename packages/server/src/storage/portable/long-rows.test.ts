import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test-support/running-server.ts';
import { type Shop, startShop } from '../../test-support/shop-server.ts';
import { SecretBox } from '../encryption.ts';
import { importIntoSqlite } from '../sqlite/import-into-sqlite.ts';
import { MAX_LINE_BYTES } from './export-format.ts';
import { withDatabaseCopy, withImportSource } from './import-source.ts';
import { readLines } from './lines.ts';
import { PORTABLE_TABLES, type TableContent } from './portable-tables.ts';
import { verifyExport } from './read-export.ts';
import { writeExport } from './write-export.ts';

const encryptionKey = randomBytes(32);
const box = new SecretBox(encryptionKey);
const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: encryptionKey.toString('base64') };
const KEYS = Array.from({ length: 140 }, (_, index) => `text${index}`);
/** Nearly 256 KiB as JSON, the most for a value, and twice as much in an export, which contains the JSON as a string. */
const LONG = '"'.repeat(131_000);
const BULK = 30;

/** Fills an environment with so many long values that all of them together are too long for a line. */
async function fill(shop: Shop, environment: string): Promise<void> {
  const publicConfigSchema = {
    type: 'object',
    properties: Object.fromEntries(KEYS.map((key) => [key, { type: 'string' }])),
  };
  const jsonSchema = { type: 'object', properties: { publicConfigSchema } };
  const { id: schemaId } = await shop.call('POST', '/schemas', { name: 'texts', jsonSchema });
  const environmentId = shop.environments[environment];
  const values = KEYS.map((key) => ({ schemaId, environmentId, key, value: LONG, tier: 'public' }));
  for (let start = 0; start < values.length; start += BULK) {
    const body = { values: values.slice(start, start + BULK) };
    expect((await shop.call('PUT', '/values/bulk', body)).status).toBe(200);
  }
}

/** The tables of a database without rows but one, whose line has this many bytes. */
async function* contents(bytes: number): AsyncGenerator<TableContent> {
  for (const table of PORTABLE_TABLES) {
    // Two bytes in UTF-8, so that the number of characters is another one.
    const value = `é${'x'.repeat(bytes - '["é"]'.length - 1)}`;
    yield { table, rows: table.name === 'config_values' ? [{ value }] : [] };
  }
}

function exportRow(bytes: number, file: string) {
  const options = { file, box, databaseVersion: 2, at: '2026-01-01T00:00:00.000Z' };
  return writeExport(contents(bytes), { ...options, onTable: () => undefined });
}

describe('long rows', { timeout: 600_000 }, () => {
  it('are not made by a new fallback that changes many values: an export of it can be imported', async () => {
    const directory = await temporaryDirectory();
    const [db, file] = [join(directory, 'config.db'), join(directory, 'config.jsonl')];
    const shop = await startShop({ db, env });
    await fill(shop, 'staging');
    const id = await shop.addEnvironment('preview');
    const before = await shop.ruleset('preview');
    const fallback = { fallbackEnvironmentId: shop.environments.staging };
    expect((await shop.call('PATCH', `/environments/${id}`, fallback)).status).toBe(200);
    const after = await shop.ruleset('preview');
    expect(Number(after.revision)).toBe(Number(before.revision) + 1);
    expect(after.public?.text0).toBe(LONG);
    await shop.server.close();

    const options = { file, box, at: '2026-01-01T00:00:00.000Z', onTable: () => undefined };
    await withDatabaseCopy({ file: db, box, directory }, ({ contents: tables, version }) =>
      writeExport(tables, { ...options, databaseVersion: version }),
    );
    const copy = join(directory, 'copy.db');
    await withImportSource(file, box, ({ contents: tables }) =>
      importIntoSqlite(copy, tables, { box, onTable: () => undefined }),
    );
    const restored = await shop.restart({ db: copy, credentialsFile: join(directory, 'none.json'), env });
    expect((await restored.ruleset('preview')).public).toEqual(after.public);
  });

  it('are exported up to the length that an import takes, and no longer', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'config.jsonl');
    await exportRow(MAX_LINE_BYTES, file);
    expect(await verifyExport(file, box)).toMatchObject({ rows: 1 });
    await expect(exportRow(MAX_LINE_BYTES + 1, join(directory, 'longer.jsonl'))).rejects.toThrow(
      /row of config_values has more than 67108864 bytes.*Nothing was exported: .*backup or pg_dump/,
    );
    expect(await readdir(dirname(file))).toEqual(['config.jsonl']);
  });

  it('are read up to the limit, wherever they end', async () => {
    const file = join(await temporaryDirectory(), 'lines');
    const read = async (text: string): Promise<string[]> => {
      await writeFile(file, text);
      const lines: string[] = [];
      for await (const line of readLines(file, 10)) lines.push(line.toString());
      return lines;
    };
    expect(await read('0123456789\nab\n\n0123456789')).toEqual(['0123456789', 'ab', '', '0123456789']);
    await expect(read('ab\n0123456789x\n')).rejects.toThrow(RangeError);
    await expect(read('ab\n0123456789x')).rejects.toThrow(RangeError);
  });
});

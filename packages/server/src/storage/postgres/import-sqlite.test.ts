import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createConfigServer } from '../../create-config-server.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../../test-support/postgres.ts';
import { adminOf, startServer, temporaryDirectory, tokenOf } from '../../test-support/running-server.ts';
import { Shop, startShop } from '../../test-support/shop-server.ts';
import type { ImportedTable } from './import-sqlite.ts';
import { importIntoPostgres } from './postgres-storage.ts';

const encryptionKey = randomBytes(32);
const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: encryptionKey.toString('base64') };

/** A closed server's file with fallbacks, a segment and a secret. */
async function fillFile(): Promise<{ file: string; shop: Shop; ruleset: unknown; token: string }> {
  const file = join(await temporaryDirectory(), 'config.db');
  const shop = await startShop({ db: file, env });
  await shop.addEnvironment('a-preview', 'staging');
  await shop.putSegment('staff', { attribute: 'email', op: 'endsWith', values: ['@shop.test'] }, 'staging');
  await shop.set('paymentKey', 'sk_live_1234', 'staging');
  await shop.set('theme', 'dark', 'a-preview');
  const { epoch: _, ...ruleset } = await shop.ruleset('a-preview');
  await shop.server.close();
  return { file, shop, ruleset, token: shop.token };
}

describe.skipIf(!hasPostgres)('importing a SQLite file (left out if PostgreSQL is not installed)', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });

  it('keeps values, secrets, revisions, clients and tokens', async () => {
    const { file, shop, ruleset, token } = await fillFile();
    const database = await postgres.createDatabase();
    const tables: ImportedTable[] = [];
    await importIntoPostgres(database, { file, encryptionKey, onTable: (table) => tables.push(table) });
    expect(tables.find(({ name }) => name === 'environments')).toMatchObject({
      rows: 4,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const server = await startServer({ database, env });
    const { schema, environments } = shop;
    const moved = new Shop(server, { token, schema, environments });
    const { epoch: _, ...copied } = await moved.ruleset('a-preview');
    expect(copied).toEqual(ruleset);
    expect(await tokenOf(server, adminOf(shop.server))).toEqual(expect.any(String));
    await moved.set('theme', 'light', 'a-preview');
  });

  it('imports nothing if it fails in the middle, and can be repeated', async () => {
    const { file } = await fillFile();
    const database = await postgres.createDatabase();
    const onTable = ({ name }: ImportedTable): void => {
      if (name === 'config_values') throw new Error('killed');
    };
    await expect(importIntoPostgres(database, { file, encryptionKey, onTable })).rejects.toThrow('killed');
    expect(await postgres.query(database, 'select id from organizations')).toEqual([]);
    await importIntoPostgres(database, { file, encryptionKey, onTable: () => undefined });
    expect(await postgres.query(database, 'select id from organizations')).toHaveLength(1);
  });

  it('refuses a database that is in use, a missing file, a file that is open, and another key', async () => {
    const { file } = await fillFile();
    const database = await postgres.createDatabase();
    const run = (more: { file?: string; encryptionKey?: Buffer; database?: string } = {}): Promise<void> =>
      importIntoPostgres(more.database ?? database, {
        file,
        encryptionKey,
        onTable: () => undefined,
        ...more,
      });
    const missing = `${file}.missing`;
    await expect(run({ file: missing })).rejects.toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
    await expect(readFile(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    const other = { encryptionKey: randomBytes(32), database: await postgres.createDatabase() };
    await expect(run(other)).rejects.toMatchObject({ code: 'ERR_ENCRYPTION_KEY_WRONG' });
    const server = await createConfigServer({ db: file, env });
    await expect(run()).rejects.toMatchObject({ code: 'ERR_STORAGE_LOCKED' });
    await server.close();
    await run();
    await expect(run()).rejects.toThrow('has an organization already');
  });
});

import Database from 'libsql';
import pg from 'pg';
import { SecretBox } from '../storage/encryption.ts';
import { withImportSource } from '../storage/portable/import-source.ts';
import { importIntoPostgres, migratePostgres } from '../storage/postgres/postgres-storage.ts';
import { importIntoSqlite } from '../storage/sqlite/import-into-sqlite.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';

/**
 * A process that migrates a database, or imports an export into one, and kills itself before the n-th statement that matches
 * a pattern. It prints the statement. If there are fewer, it ends normally. Arguments: the work, the database, the key in
 * base64, the pattern, n, and for an import the export.
 */
const [work = '', database = '', key = '', pattern = '', count = '', file = ''] = process.argv.slice(2);
const encryptionKey = Buffer.from(key, 'base64');
const expression = new RegExp(pattern, 'i');
let left = Number(count);

function beforeStatement(statement: unknown): void {
  const text = typeof statement === 'string' ? statement : String((statement as { text?: string }).text);
  if (!expression.test(text)) return;
  left -= 1;
  if (left > 0) return;
  process.stdout.write(text.slice(0, 60), () => process.kill(process.pid, 'SIGKILL'));
  // Nothing else may happen before the signal arrives.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  process.kill(process.pid, 'SIGKILL');
}

function intercept(prototype: object, method: string): void {
  const original = Reflect.get(prototype, method) as (...parameters: unknown[]) => unknown;
  Reflect.set(prototype, method, function (this: unknown, ...parameters: unknown[]) {
    beforeStatement(parameters[0]);
    return original.apply(this, parameters);
  });
}

intercept((Database as unknown as { prototype: object }).prototype, 'prepare');
intercept(pg.Client.prototype, 'query');

const progress = { onTable: () => undefined };
const isPostgres = database.startsWith('postgres:');
if (work === 'migrate' && isPostgres) {
  await migratePostgres({ url: database, encryptionKey, isDryRun: false });
} else if (work === 'migrate') {
  await (await openSqliteStorage({ file: database, encryptionKey })).close();
} else {
  const box = new SecretBox(encryptionKey);
  await withImportSource(file, box, ({ contents }) =>
    isPostgres
      ? importIntoPostgres({ url: database, encryptionKey }, contents, progress)
      : importIntoSqlite(database, contents, { box, ...progress }),
  );
}

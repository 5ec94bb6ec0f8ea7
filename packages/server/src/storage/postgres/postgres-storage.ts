import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely';
import { SecretBox } from '../encryption.ts';
import { type CopyProgress, copyTables, readTable } from '../portable/copy-tables.ts';
import { PORTABLE_TABLES, type TableContent } from '../portable/portable-tables.ts';
import { type Migration, type MigrationOptions, migrate, requireDatabase } from '../sql/migrations.ts';
import { createOperations } from '../sql/operations.ts';
import type { Session, Tables } from '../sql/tables.ts';
import type { Storage, StorageHint, StorageOperations, WriteScope } from '../storage.ts';
import { StorageError } from '../storage-error.ts';
import { type ConnectionPoolOptions, createConnectionPool } from './connection-pool.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { HintSender } from './hint-sender.ts';
import { unreachable } from './postgres-errors.ts';
import { PostgresLink } from './postgres-link.ts';
import { WriteLanes } from './write-lanes.ts';
import { lockTrees, TAKE_SHARED_LOCK, TAKE_WRITE_LOCK, takeWriteLock } from './write-lock.ts';

export interface PostgresStorageOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. */
  url: string;
  /** 32 bytes; every replica has the same. */
  encryptionKey: Buffer;
}

/**
 * Opens a storage in a PostgreSQL database, which other replicas may use at the same time. Creates or migrates its tables
 * first, one replica at a time.
 *
 * @throws {StorageError} for a database that cannot be reached, of a newer server or another program, and for a wrong
 * encryption key
 */
export async function openPostgresStorage(options: PostgresStorageOptions): Promise<Storage> {
  const box = new SecretBox(options.encryptionKey);
  let link: PostgresLink | undefined;
  const db = connect(options.url, {
    isReachable: () => link?.isConnected ?? true,
    onUnreachable: () => link?.probe(),
  });
  try {
    await requireUtf8(db);
    await migrate(db, box, MIGRATION);
    link = await PostgresLink.open(options.url);
    return createStorage({ db, box, link });
  } catch (error) {
    await db.destroy();
    throw withDatabase(error, options.url);
  }
}

/**
 * Migrates a database and returns the steps. With `isDryRun`, every step runs and is rolled back.
 * @throws {StorageError} as {@link openPostgresStorage}
 */
export async function migratePostgres(
  options: PostgresStorageOptions & { isDryRun: boolean },
): Promise<Pick<Migration, 'version' | 'name'>[]> {
  const box = new SecretBox(options.encryptionKey);
  const db = connect(options.url);
  try {
    await requireUtf8(db);
    return await migrate(db, box, { ...MIGRATION, isDryRun: options.isDryRun });
  } catch (error) {
    throw withDatabase(error, options.url);
  } finally {
    await db.destroy();
  }
}

/**
 * Creates the tables if they are missing, and copies other ones into them: everything or nothing.
 * @throws {StorageError} as {@link openPostgresStorage} and `copyTables`
 */
export async function importIntoPostgres(
  options: PostgresStorageOptions,
  contents: AsyncIterable<TableContent>,
  progress: CopyProgress,
): Promise<void> {
  await migratePostgres({ ...options, isDryRun: false });
  const db = connect(options.url);
  try {
    await db.transaction().execute(async (transaction) => {
      await allowPauses(transaction);
      await takeWriteLock(transaction);
      await copyTables(transaction, contents, progress);
    });
  } catch (error) {
    throw withDatabase(error, options.url);
  } finally {
    await db.destroy();
  }
}

/**
 * Passes the tables of a database, all of one state, to `work`. Servers that use it go on.
 * @throws {StorageError} as {@link openPostgresStorage}; the database is not migrated
 */
export async function exportPostgres<Result>(
  { url, encryptionKey }: PostgresStorageOptions,
  work: (contents: AsyncIterable<TableContent>, version: number) => Promise<Result>,
): Promise<Result> {
  const box = new SecretBox(encryptionKey);
  const db = connect(url);
  try {
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (transaction) => {
        await allowPauses(transaction);
        const version = await requireDatabase(transaction, box);
        return work(tablesOf(transaction, version), version);
      });
  } catch (error) {
    throw withDatabase(error, url);
  } finally {
    await db.destroy();
  }
}

/** While a file is read or written, the transaction waits. */
async function allowPauses(transaction: Kysely<Tables>): Promise<void> {
  await sql`set local idle_in_transaction_session_timeout = 0`.execute(transaction);
}

async function* tablesOf(transaction: Kysely<Tables>, version: number): AsyncGenerator<TableContent> {
  for (const table of PORTABLE_TABLES) {
    if (table.since <= version) yield { table, rows: await readTable(transaction, table) };
  }
}

const MIGRATION: MigrationOptions = { engine: 'postgres', lock: takeWriteLock };

function connect(
  url: string,
  reachability: Omit<ConnectionPoolOptions, 'url'> = {
    isReachable: () => true,
    onUnreachable: () => undefined,
  },
): Kysely<Tables> {
  const pool = createConnectionPool({ url, ...reachability });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] });
}

interface StorageParts {
  db: Kysely<Tables>;
  box: SecretBox;
  link: PostgresLink;
}

/** Work on a transaction, which may add hints for other processes. */
type Work<Result> = (transaction: Kysely<Tables>, hints: StorageHint[]) => Promise<Result>;

function createStorage({ db, box, link }: StorageParts): Storage {
  let closing: Promise<void> | undefined;
  const lanes = new WriteLanes();
  const hintSender = new HintSender(db);

  function usable(): Kysely<Tables> {
    if (closing) throw new StorageError('ERR_STORAGE_CLOSED', 'The storage is closed.');
    return db;
  }

  async function write<Result>(work: Work<Result>, scope?: WriteScope): Promise<Result> {
    usable();
    const hints: StorageHint[] = [];
    const result = await lanes.run(laneOf(scope), () =>
      db.connection().execute((connection) => commit(connection, { work, scope, hints })),
    );
    hintSender.send(hints);
    return result;
  }

  const session: Session = {
    get db() {
      return usable();
    },
    box,
    atomically: (work) => write((transaction, hints) => work(transaction, (hint) => hints.push(hint))),
  };
  return {
    shared: link,
    ...createOperations(session),
    transaction: (work, scope) =>
      write((transaction, hints) => runIn({ transaction, box, hints }, work), scope),
    snapshot: async (work) =>
      usable()
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute((transaction) => runIn({ transaction, box, hints: [] }, work)),
    ping: async () => {
      await sql`select 1`.execute(usable());
    },
    close: () => {
      closing ??= lanes
        .idle()
        .then(() => hintSender.idle())
        .then(() => link.close())
        .then(() => db.destroy());
      return closing;
    },
  };
}

/** Writes in one environment would only wait for each other with a connection each. */
function laneOf(scope: WriteScope | undefined): string {
  return scope?.valuesOf.toSorted()[0] ?? '';
}

/** Begins a transaction and takes its first lock with one message, since each round trip makes the writers behind wait. */
async function commit<Result>(
  connection: Kysely<Tables>,
  { work, scope, hints }: { work: Work<Result>; scope: WriteScope | undefined; hints: StorageHint[] },
): Promise<Result> {
  const run = (text: string): Promise<unknown> => sql.raw(text).execute(connection);
  try {
    await run(
      `begin isolation level read committed; ${scope === undefined ? TAKE_WRITE_LOCK : TAKE_SHARED_LOCK}`,
    );
    if (scope !== undefined) await lockTrees(connection, scope.valuesOf);
    const result = await work(connection, hints);
    await run('commit');
    return result;
  } catch (error) {
    await run('rollback').catch(() => undefined);
    throw error;
  }
}

async function runIn<Result>(
  { transaction, box, hints }: { transaction: Kysely<Tables>; box: SecretBox; hints: StorageHint[] },
  work: (operations: StorageOperations) => Promise<Result>,
): Promise<Result> {
  let isOpen = true;
  const session: Session = {
    get db() {
      if (isOpen) return transaction;
      throw new StorageError('ERR_STORAGE_MISUSE', 'The transaction has ended.');
    },
    box,
    atomically: async (inner) => inner(session.db, (hint) => hints.push(hint)),
  };
  try {
    return await work(createOperations(session));
  } finally {
    isOpen = false;
  }
}

async function requireUtf8(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ serverEncoding: string }>`show server_encoding`.execute(db);
  const encoding = rows[0]?.serverEncoding;
  if (encoding === 'UTF8') return;
  throw new StorageError(
    'ERR_STORAGE_FOREIGN',
    `The database has the encoding ${encoding ?? 'unknown'}. It was not changed: create one with ENCODING 'UTF8'.`,
  );
}

/** Adds the host and the name of the database to the message. */
function withDatabase(error: unknown, url: string): unknown {
  if (!(error instanceof StorageError)) return error;
  const isUnreachable = error.message === unreachable().message;
  const message = isUnreachable
    ? 'The database cannot be reached. Check its URL, and that it runs.'
    : error.message;
  return new StorageError(error.code, `${parseDatabaseUrl(url).label}: ${message}`);
}

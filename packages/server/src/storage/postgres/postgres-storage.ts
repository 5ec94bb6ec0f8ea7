import { CamelCasePlugin, Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { SecretBox } from '../encryption.ts';
import { type Migration, type MigrationOptions, migrate } from '../sql/migrations.ts';
import { createOperations } from '../sql/operations.ts';
import type { Session, Tables } from '../sql/tables.ts';
import type { Storage, StorageOperations } from '../storage.ts';
import { StorageError } from '../storage-error.ts';
import { createConnectionPool } from './connection-pool.ts';
import { parseDatabaseUrl } from './database-url.ts';

export interface PostgresStorageOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. */
  url: string;
  /** 32 bytes; every replica has the same. */
  encryptionKey: Buffer;
}

/** The key of the advisory lock that one writer holds at a time, in all replicas: "SmCf". */
const WRITE_LOCK = 0x536d4366;

/**
 * Opens a storage in a PostgreSQL database, which other replicas may use at the same time. Creates or migrates its tables
 * first, one replica at a time.
 *
 * @throws {StorageError} for a database that cannot be reached, of a newer server or another program, and for a wrong
 * encryption key
 */
export async function openPostgresStorage(options: PostgresStorageOptions): Promise<Storage> {
  const box = new SecretBox(options.encryptionKey);
  const db = connect(options.url);
  try {
    await requireUtf8(db);
    await migrate(db, box, MIGRATION);
    return createStorage(db, box);
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

const MIGRATION: MigrationOptions = { engine: 'postgres', lock: takeWriteLock };

function connect(url: string): Kysely<Tables> {
  const pool = createConnectionPool({ url, isReachable: () => true, onUnreachable: () => undefined });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] });
}

/**
 * Waits for the writer before, in this process or another; the end of the transaction releases the lock. Each statement
 * after it sees everything that was committed before, since the isolation level is READ COMMITTED. With SERIALIZABLE, the
 * state would be the one before the wait.
 */
async function takeWriteLock(transaction: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${WRITE_LOCK}::bigint)`.execute(transaction);
}

function createStorage(db: Kysely<Tables>, box: SecretBox): Storage {
  let closing: Promise<void> | undefined;
  let lastWrite: Promise<unknown> = Promise.resolve();

  function usable(): Kysely<Tables> {
    if (closing) throw new StorageError('ERR_STORAGE_CLOSED', 'The storage is closed.');
    return db;
  }

  /** One at a time in this process, so that writers that wait for the lock do not take all connections. */
  function write<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const run = (): Promise<Result> =>
      db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (transaction) => {
          await takeWriteLock(transaction);
          return work(transaction);
        });
    usable();
    const result = lastWrite.then(run);
    lastWrite = result.catch(() => undefined);
    return result;
  }

  const session: Session = {
    get db() {
      return usable();
    },
    box,
    atomically: (work) => write(work),
  };
  return {
    ...createOperations(session),
    transaction: async (work) => write((transaction) => runIn(transaction, box, work)),
    snapshot: async (work) =>
      usable()
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute((transaction) => runIn(transaction, box, work)),
    ping: async () => {
      await sql`select 1`.execute(usable());
    },
    close: () => {
      closing ??= lastWrite.then(() => db.destroy());
      return closing;
    },
  };
}

async function runIn<Result>(
  transaction: Transaction<Tables>,
  box: SecretBox,
  work: (operations: StorageOperations) => Promise<Result>,
): Promise<Result> {
  let isOpen = true;
  const session: Session = {
    get db() {
      if (isOpen) return transaction;
      throw new StorageError('ERR_STORAGE_MISUSE', 'The transaction has ended.');
    },
    box,
    atomically: async (inner) => inner(session.db),
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
  return new StorageError(error.code, `${parseDatabaseUrl(url).label}: ${error.message}`);
}

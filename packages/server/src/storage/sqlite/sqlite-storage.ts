import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { CamelCasePlugin, Kysely, sql } from 'kysely';
import Database from 'libsql';
import { APPLICATION_ID, type ClaimedFile, claimDatabaseFile } from '../data-files.ts';
import { SecretBox } from '../encryption.ts';
import { migrate } from '../sql/migrations.ts';
import { createOperations } from '../sql/operations.ts';
import { newEpoch } from '../sql/replica-operations.ts';
import type { Session, Tables } from '../sql/tables.ts';
import type { Storage, StorageOperations } from '../storage.ts';
import { StorageError } from '../storage-error.ts';
import { isWriteFailure, LibsqlDialect, translateError } from './libsql-dialect.ts';

export interface SqliteStorageOptions {
  /** The database file, created (mode 0600) with its directory if missing; or `:memory:`. */
  file: string;
  /** 32 bytes, from `loadEncryptionKey`. */
  encryptionKey: Buffer;
  /**
   * Milliseconds to wait for another process that has the file open, such as a server that is closing (default 2000).
   */
  busyTimeoutMs?: number;
}

/**
 * Opens a storage in one SQLite file and locks the file until the storage is closed. A write is on disk (write-ahead
 * log, synchronous FULL) before its promise resolves. After closing, the whole database is in that one file.
 *
 * @throws {StorageError} for a file that is in use, damaged, or of a newer server or another program, and for a wrong
 * encryption key
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<Storage> {
  const box = new SecretBox(options.encryptionKey);
  const claim: ClaimedFile =
    options.file === ':memory:'
      ? { state: 'new', release: () => {} }
      : await claimDatabaseFile(options.file, initialize);
  try {
    const health: WriteHealth = { isFailing: false };
    const onError = (error: unknown): void => {
      if (isWriteFailure(error)) health.isFailing = true;
    };
    const db = new Kysely<Tables>({
      dialect: new LibsqlDialect(await openDatabase(options, claim.state), onError),
      plugins: [new CamelCasePlugin()],
    });
    await migrate(db, box, { engine: 'sqlite' }).catch(async (error: unknown) => {
      await db.destroy();
      throw error;
    });
    return createStorage(db, { box, claim, health });
  } catch (error) {
    claim.release();
    throw withFile(error, options.file);
  }
}

/** Whether the last failure to write, such as a full disk, may last. */
interface WriteHealth {
  isFailing: boolean;
}

function createStorage(
  db: Kysely<Tables>,
  { box, claim, health }: { box: SecretBox; claim: ClaimedFile; health: WriteHealth },
): Storage {
  const running = new AsyncLocalStorage<{ open: boolean }>();
  // The file may be another one than at the last start, such as a restored backup.
  const epoch = { value: newEpoch() };
  let closing: Promise<void> | undefined;

  function usable(): Kysely<Tables> {
    if (closing) throw new StorageError('ERR_STORAGE_CLOSED', 'The storage is closed.');
    // It would wait for the transaction, which would wait for it.
    if (running.getStore()?.open) {
      const message = "Inside a transaction, use the transaction's own operations and not the storage's.";
      throw new StorageError('ERR_STORAGE_MISUSE', message);
    }
    return db;
  }

  const session: Session = {
    get db() {
      return usable();
    },
    box,
    epoch,
    atomically: async (work) =>
      usable()
        .transaction()
        .execute((transaction) => work(transaction, NO_OTHER_PROCESS)),
  };
  const storage: Storage = {
    ...createOperations(session),
    transaction: async (work) =>
      usable()
        .transaction()
        .execute((transaction) => runTransaction({ transaction, box, epoch, running }, work)),
    snapshot: (work) => storage.transaction(work),
    ping: async () => {
      if (health.isFailing) {
        await tryToWrite(usable());
        health.isFailing = false;
      } else await sql`select 1`.execute(usable());
    },
    close: () => {
      closing ??= db.destroy().finally(claim.release);
      return closing;
    },
  };
  return storage;
}

/** Writes enough to need space in the file, and removes it again. Throws as long as there is none. */
async function tryToWrite(db: Kysely<Tables>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`create table write_probe (content blob)`.execute(transaction);
    await sql`insert into write_probe values (zeroblob(65536))`.execute(transaction);
    await sql`drop table write_probe`.execute(transaction);
  });
}

/** One process has the file. */
const NO_OTHER_PROCESS = (): void => undefined;

async function runTransaction<Result>(
  parts: {
    transaction: Kysely<Tables>;
    box: SecretBox;
    epoch: { value: string };
    running: AsyncLocalStorage<{ open: boolean }>;
  },
  work: (operations: StorageOperations) => Promise<Result>,
): Promise<Result> {
  const { transaction, box, epoch, running } = parts;
  const state = { open: true };
  function usable(): Kysely<Tables> {
    if (state.open) return transaction;
    throw new StorageError('ERR_STORAGE_MISUSE', 'The transaction has ended.');
  }
  const session: Session = {
    get db() {
      return usable();
    },
    box,
    epoch,
    atomically: async (inner) => inner(usable(), NO_OTHER_PROCESS),
  };
  try {
    return await running.run(state, () => work(createOperations(session)));
  } finally {
    state.open = false;
    // Before Node 24, a used AsyncLocalStorage slows down every promise of the process. Transactions run one at a time, so
    // none needs it now.
    running.disable();
  }
}

/** Marks an empty file as a config database. */
function initialize(draft: string): void {
  const database = new Database(draft);
  try {
    database.exec(`pragma application_id = ${APPLICATION_ID}`);
  } finally {
    database.close();
  }
}

/** Tries again while another process has the file, until the time is up. */
async function openDatabase(
  options: SqliteStorageOptions,
  state: ClaimedFile['state'],
): Promise<Database.Database> {
  const deadlineMs = performance.now() + (options.busyTimeoutMs ?? 2000);
  for (;;) {
    try {
      return lockDatabase(options.file, state);
    } catch (error) {
      const isLocked = error instanceof StorageError && error.code === 'ERR_STORAGE_LOCKED';
      if (!isLocked || performance.now() >= deadlineMs) throw error;
    }
    // Random, so that servers that start at once do not stay in step.
    await delay(10 + Math.random() * 40);
  }
}

function lockDatabase(file: string, state: ClaimedFile['state']): Database.Database {
  // Without SQLite's own waiting: in exclusive mode each of two servers would keep a shared lock while it waits, and so
  // both would wait until both give up.
  const database = new Database(file, { timeout: 0 });
  try {
    // Takes the lock until the database is closed: of two servers that start at once, only one gets past this line. All in
    // one `exec`, which leaves no statement behind that would keep a lock after `close`.
    const markNew = state === 'new' ? `pragma application_id = ${APPLICATION_ID};` : '';
    database.exec(`pragma locking_mode = EXCLUSIVE; begin exclusive; ${markNew} commit`);
    if (state === 'existing') refuseDamaged(database);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    return database;
  } catch (error) {
    database.close();
    throw translateError(error);
  }
}

function refuseDamaged(database: Database.Database): void {
  const rows = database.prepare('pragma quick_check(1)').all() as { quick_check?: string }[];
  if (rows[0]?.quick_check === 'ok') return;
  throw new StorageError('ERR_STORAGE_CORRUPT', 'The database is damaged: restore a backup.');
}

/** Adds the file to the message and, if it is locked, what to do. */
function withFile(error: unknown, file: string): unknown {
  if (!(error instanceof StorageError)) return error;
  const remedy =
    error.code === 'ERR_STORAGE_LOCKED' ? ' Stop the other server, or use another file for this one.' : '';
  return new StorageError(error.code, `${file}: ${error.message}${remedy}`, { cause: error.cause });
}

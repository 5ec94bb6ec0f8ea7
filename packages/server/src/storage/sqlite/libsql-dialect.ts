import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SqliteDialect } from 'kysely';
import type Database from 'libsql';
import { errorCode } from '../../lib/error-code.ts';
import { UniqueViolationError } from '../storage.ts';
import { StorageError, type StorageErrorCode } from '../storage-error.ts';

/**
 * kysely's SQLite dialect over one libsql connection. Callers get the connection one at a time, first come, first
 * served; a transaction keeps it until it ends.
 */
export class LibsqlDialect extends SqliteDialect {
  readonly #database: Database.Database;
  readonly #onError: (error: unknown) => void;

  /** @param onError is called with each error of a statement, which is thrown too */
  constructor(database: Database.Database, onError: (error: unknown) => void) {
    super({ database });
    this.#database = database;
    this.#onError = onError;
  }

  override createDriver(): Driver {
    return new LibsqlDriver(this.#database, this.#onError);
  }
}

class LibsqlDriver implements Driver {
  readonly #database: Database.Database;
  readonly #connection: LibsqlConnection;
  #last: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(database: Database.Database, onError: (error: unknown) => void) {
    this.#database = database;
    this.#connection = new LibsqlConnection(database, onError);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const { promise, resolve } = deferred();
    this.#last = promise;
    await before;
    this.#release = resolve;
    if (this.#database.open) return this.#connection;
    resolve();
    throw new StorageError('ERR_STORAGE_CLOSED', 'The storage is closed.');
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  // IMMEDIATE takes the write lock at once, not at the first write.
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  // After some failures (a full disk) SQLite has already rolled back; a second rollback would hide the reason.
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async destroy(): Promise<void> {
    await this.acquireConnection();
    try {
      closeDatabase(this.#database);
    } finally {
      this.#release();
    }
  }
}

class LibsqlConnection implements DatabaseConnection {
  readonly #database: Database.Database;
  readonly #onError: (error: unknown) => void;

  constructor(database: Database.Database, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { sql, parameters } = query;
    checkParameters(sql, parameters);
    try {
      const statement = this.#database.prepare<unknown[]>(sql);
      if (statement.reader) return { rows: statement.all(parameters) as Row[] };
      const { changes } = statement.run(parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      const translated = translateError(error);
      this.#onError(translated);
      throw translated;
    }
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new StorageError('ERR_STORAGE_MISUSE', 'The storage does not stream rows.');
  }
}

/**
 * Closes a database so that another connection can open it at once. libsql keeps statements, and with them the lock on
 * the file, until they are garbage-collected; leaving WAL and exclusive mode releases the lock now. If the file cannot be
 * written, the write-ahead log stays beside it. It contains every committed write, and the next start reads it.
 */
export function closeDatabase(database: Database.Database): void {
  if (!database.open) return;
  try {
    if (!database.memory) {
      database.pragma('journal_mode = DELETE');
      database.pragma('locking_mode = NORMAL');
      database.pragma('user_version');
    }
  } catch (error) {
    if (!isWriteFailure(translateError(error))) throw error;
  } finally {
    database.close();
  }
}

/** Turns an error of SQLite into one of ours, with the original as its cause. */
export function translateError(error: unknown): unknown {
  const code = errorCode(error);
  if (!(error instanceof Error) || code === undefined) return error;
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return new UniqueViolationError(violatedField(error.message));
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new StorageError('ERR_STORAGE_LOCKED', 'The database is in use by another process.', {
      cause: error,
    });
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StorageError('ERR_STORAGE_CORRUPT', 'The database is damaged: restore a backup.', {
      cause: error,
    });
  }
  const failure = writeFailure(code);
  return failure === undefined ? error : new StorageError(failure.code, failure.message, { cause: error });
}

function writeFailure(code: string): { code: StorageErrorCode; message: string } | undefined {
  if (code === 'SQLITE_FULL') {
    const message =
      'The disk of the database is full. Nothing was changed. Free some space; the server then continues by itself.';
    return { code: 'ERR_STORAGE_FULL', message };
  }
  if (code.startsWith('SQLITE_READONLY')) {
    const message =
      'The database is read-only. Nothing was changed. Check the permissions of its file and directory.';
    return { code: 'ERR_STORAGE_READ_ONLY', message };
  }
  if (code.startsWith('SQLITE_IOERR')) {
    const message = `The database cannot be read or written (${code}). Check its disk.`;
    return { code: 'ERR_STORAGE_UNAVAILABLE', message };
  }
  return undefined;
}

/** Whether the database cannot be written for now, because of its disk or its permissions. */
export function isWriteFailure(error: unknown): error is StorageError {
  return (
    error instanceof StorageError &&
    ['ERR_STORAGE_FULL', 'ERR_STORAGE_READ_ONLY', 'ERR_STORAGE_UNAVAILABLE'].includes(error.code)
  );
}

/** "UNIQUE constraint failed: environments.organization_id, environments.name" → "name" */
function violatedField(message: string): string {
  const column = message.split('.').at(-1) ?? '';
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** libsql aborts the process for a boolean parameter and cuts a text at its first NUL when it is read. */
function checkParameters(sql: string, parameters: readonly unknown[]): void {
  const writesText = /^(insert|update)/.test(sql);
  for (const parameter of parameters) {
    const type = typeof parameter;
    if (parameter !== null && type !== 'string' && !(type === 'number' && Number.isFinite(parameter))) {
      throw new StorageError('ERR_STORAGE_MISUSE', `A statement parameter has the unsupported type ${type}.`);
    }
    if (writesText && type === 'string' && String(parameter).includes('\0')) {
      throw new StorageError('ERR_STORAGE_MISUSE', 'A text with a NUL character cannot be stored.');
    }
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

import { errorCode } from '../../lib/error-code.ts';
import { UniqueViolationError } from '../storage.ts';
import { StorageError, type StorageErrorCode } from '../storage-error.ts';

/** Conditions of SQLSTATE and of sockets that say that the connection does not work. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  // The server is shut down, has crashed, starts, or has ended the session.
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  // Too many connections.
  '53300',
]);

/** Messages of pg for errors that have no code. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client was closed|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|Client has already been connected)/;

const FOREIGN = {
  code: 'ERR_STORAGE_FOREIGN',
  message:
    'The database has tables of another program. It was not changed: give the server a database of its own.',
} as const;

const CONFLICT = {
  code: 'ERR_STORAGE_UNAVAILABLE',
  message: 'The database ended this write for the sake of another one. Nothing was changed. Try again.',
} as const;

const FAILURES: Readonly<Record<string, { code: StorageErrorCode; message: string }>> = {
  '53100': {
    code: 'ERR_STORAGE_FULL',
    message:
      'The disk of the database is full. Nothing was changed. Free some space; the server then continues by itself.',
  },
  '25006': {
    code: 'ERR_STORAGE_READ_ONLY',
    message:
      'The database is read-only, such as a standby. Nothing was changed. Connect the server to the primary.',
  },
  // Statement and lock time-outs.
  '57014': {
    code: 'ERR_STORAGE_UNAVAILABLE',
    message: 'The database took too long. Nothing was changed. Try again.',
  },
  '55P03': {
    code: 'ERR_STORAGE_UNAVAILABLE',
    message: 'Other writes hold the lock of the database for too long. Nothing was changed. Try again.',
  },
  // A deadlock, such as with a session of an operator, and a failed serialization if that is the default of the database.
  '40P01': CONFLICT,
  '40001': CONFLICT,
  // A text with a NUL character.
  '22021': { code: 'ERR_STORAGE_MISUSE', message: 'A text with a NUL character cannot be stored.' },
  // A table of the same name, or one with other columns.
  '42P07': FOREIGN,
  '42703': FOREIGN,
  '28P01': { code: 'ERR_STORAGE_UNAVAILABLE', message: 'The database refuses the user or its password.' },
  '28000': { code: 'ERR_STORAGE_UNAVAILABLE', message: 'The database refuses the user or the connection.' },
  '3D000': {
    code: 'ERR_STORAGE_UNAVAILABLE',
    message: 'The database does not exist on its server. Create it first.',
  },
  '42501': {
    code: 'ERR_STORAGE_UNAVAILABLE',
    message: 'The database user lacks a right. It must own the database or its schema.',
  },
};

/** Whether an error of pg says that the connection does not work. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  // Class 08: connection exceptions.
  if (code !== undefined) return CONNECTION_CODES.has(code) || /^08...$/.test(code);
  return CONNECTION_MESSAGES.test(error.message);
}

/** Turns an error of pg into one of ours. The original is not kept as a cause: its fields quote values. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error;
  if (isConnectionFailure(error)) return unreachable();
  const code = errorCode(error);
  if (code === undefined) return withoutDetails(error);
  if (code === '23505') return new UniqueViolationError(violatedField(error));
  const failure = FAILURES[code];
  return failure === undefined
    ? withoutDetails(error, code)
    : new StorageError(failure.code, failure.message);
}

/** The error while the database cannot be reached. */
export function unreachable(): StorageError {
  return new StorageError(
    'ERR_STORAGE_UNAVAILABLE',
    'The database cannot be reached. Writes are refused until it is back; the server reconnects by itself.',
  );
}

/** An error of pg has the row, the query and the position as fields, and its message may quote a value. */
function withoutDetails(error: Error, code?: string): Error {
  const copy = new Error(`PostgreSQL failed (${code ?? error.name}).`);
  copy.name = error.name;
  if (code !== undefined) Object.assign(copy, { code });
  if (error.stack !== undefined) copy.stack = error.stack.replace(/^.*?(?=\n\s+at )/s, copy.message);
  return copy;
}

/** "Key (organization_id, name)=(…) already exists." → "name"; the form is the same in every language. */
function violatedField(error: Error): string {
  const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : '';
  const column = /\(([^()]*)\)=\(/.exec(detail)?.[1]?.split(', ').at(-1) ?? '';
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

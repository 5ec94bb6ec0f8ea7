import { randomUUID } from 'node:crypto';
import { type FileHandle, open, realpath, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { codeSuffix, errorCode } from '../../lib/error-code.ts';
import { HEADER_BYTES, refuseClaimed, refuseForeign } from '../data-files.ts';
import { StorageError } from '../storage-error.ts';

const CHUNK_BYTES = 1024 * 1024;
const LOG_HEADER_BYTES = 32;
/** The begin of a rollback journal that is in use. SQLite overwrites it when the journal is no longer needed. */
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
const MAX_ATTEMPTS = 40;
const PAUSE_MS = 50;

/** Called with the bytes of the file that are copied. */
export type OnBytes = (done: number) => void;

/**
 * Copies a database and its write-ahead log while a server may write to it: the server has the only lock, so SQLite could not
 * read it from here.
 *
 * The two files together are a state of the database, as after a crash: the server appends to the log, and only moves whole
 * pages from the log to the database. A page that is copied while it is moved is repaired from the log, if the log still has
 * it. It does, unless the server has begun the log again in the meantime, which changes the header of the log. Then the copy
 * is made once more. Every write that was acknowledged before the copy began is in it.
 * @param draft gets the database, and `<draft>-wal` the log
 * @throws {StorageError} if the file is missing or foreign, or changes faster than it can be copied
 */
export async function copyDatabase(file: string, draft: string, onBytes?: OnBytes): Promise<void> {
  try {
    // SQLite keeps the log beside the file itself, not beside a link to it.
    const source = await realpath(file);
    await refuseClaimed(source);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 0) await delay(PAUSE_MS);
      const before = await stateOf(source);
      await copyFile(source, draft, onBytes);
      await copyLog(source, draft);
      if ((await stateOf(source)) === before) return;
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    if (errorCode(cause) !== 'ENOENT') throw unreadable(file, cause);
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `The database ${file} does not exist.`, { cause });
  }
  throw new StorageError(
    'ERR_STORAGE_LOCKED',
    `The database ${file} is written to faster than it can be copied. Try again when there are fewer writes.`,
  );
}

/** A text that changes if pages of the database may be neither in it nor in its log. */
async function stateOf(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  // With a rollback journal the database is being changed in place, or was when its server was killed.
  const journal = await headerOf(`${file}-journal`, JOURNAL_MAGIC.length);
  if (journal.equals(JOURNAL_MAGIC)) return `unstable ${randomUUID()}`;
  const log = await headerOf(`${file}-wal`, LOG_HEADER_BYTES);
  // Without a log, nothing repairs a page that is copied while it is written.
  const content = log.length === LOG_HEADER_BYTES ? log.toString('hex') : [size, mtimeNs, ctimeNs].join('/');
  return `${ino} ${content}`;
}

async function copyLog(file: string, draft: string): Promise<void> {
  await rm(`${draft}-wal`, { force: true });
  try {
    if (await hasContent(`${file}-wal`)) await copyFile(`${file}-wal`, `${draft}-wal`);
  } catch (error) {
    // A server that closes has just deleted it, so the state has changed.
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function copyFile(from: string, to: string, onBytes?: OnBytes): Promise<void> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'w', 0o600);
    try {
      await copyContent(source, target, { from, ...(onBytes && { onBytes }) });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyContent(
  source: FileHandle,
  target: FileHandle,
  { from, onBytes }: { from: string; onBytes?: OnBytes },
): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let done = 0;
  for (;;) {
    const { bytesRead } = await source.read(chunk, 0, CHUNK_BYTES, done);
    if (bytesRead === 0) return;
    if (done === 0 && !from.endsWith('-wal'))
      refuseForeign(from, chunk.subarray(0, Math.min(bytesRead, HEADER_BYTES)));
    await target.writeFile(chunk.subarray(0, bytesRead));
    done += bytesRead;
    onBytes?.(done);
  }
}

async function headerOf(file: string, bytes: number): Promise<Buffer> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const header = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(header, 0, bytes, 0);
    return header.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function hasContent(file: string): Promise<boolean> {
  try {
    return (await stat(file)).size > 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function unreadable(file: string, cause: unknown): StorageError {
  const message = `The database ${file} cannot be copied${codeSuffix(cause)}.`;
  return new StorageError('ERR_STORAGE_UNAVAILABLE', message, { cause });
}

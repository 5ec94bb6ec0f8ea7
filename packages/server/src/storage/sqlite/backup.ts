import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, rename } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exists, followLink, placeFile, refuseExisting, writeAtomically } from '../data-files.ts';
import { SecretBox } from '../encryption.ts';
import { StorageError } from '../storage-error.ts';
import type { OnBytes } from './database-copy.ts';
import {
  type DatabaseFacts,
  lockUnused,
  refuseForeignLog,
  removeSideFiles,
  takeCopy,
} from './database-file.ts';
import { closeDatabase } from './libsql-dialect.ts';

export interface BackupOptions {
  /** The database, which a server may have open. */
  file: string;
  /** The file to write. */
  backup: string;
  /** Whether an existing file is replaced. */
  force: boolean;
  /** If given, the database must have this key. */
  encryptionKey?: Buffer | undefined;
  onBytes?: OnBytes;
}

/**
 * Copies a database into one file (mode 0600) while a server writes to it. Every write that was acknowledged before is in it.
 * The file gets its name when it is complete, checked and on disk. The encryption key is not in it.
 * @returns the facts of the backup, and its SHA-256
 * @throws {StorageError} if the backup exists, or the database is missing, damaged or has another key
 */
export async function backupSqlite(options: BackupOptions): Promise<DatabaseFacts & { sha256: string }> {
  const { file, backup, force, encryptionKey, onBytes } = options;
  if (resolve(file) === resolve(backup)) {
    throw new StorageError('ERR_STORAGE_MISUSE', 'The backup and the database are the same file.');
  }
  if (!force) await refuseExisting(backup);
  await refuseForeignLog(backup);
  const box = encryptionKey && new SecretBox(encryptionKey);
  let facts: DatabaseFacts | undefined;
  await writeAtomically(backup, '', async (draft) => {
    facts = await takeCopy(file, draft, { box, onBytes });
    await placeFile(draft, backup, { force });
  });
  if (facts === undefined) throw new Error('The backup has no facts.');
  return { ...facts, sha256: await hashFile(backup) };
}

export interface RestoreOptions {
  /** The backup, which stays as it is. */
  backup: string;
  /** The database to replace, whose server does not run. */
  file: string;
  /** The key that the backup must have. */
  encryptionKey: Buffer;
  onBytes?: OnBytes;
}

/**
 * Puts a backup in the place of a database, after it was checked. The old database is kept under another name. A server
 * begins a new epoch when it starts, so its clients accept the older values.
 * @returns the facts of the backup, and the name of the old database if there was one
 * @throws {StorageError} if the backup is missing, foreign, damaged, newer or has another key, or a server has the database open
 */
export async function restoreSqlite(
  options: RestoreOptions,
): Promise<DatabaseFacts & { kept: string | undefined }> {
  const { backup, encryptionKey, onBytes } = options;
  // The database stays on the disk that a link points to.
  const file = await followLink(options.file);
  if (resolve(file) === resolve(backup)) {
    throw new StorageError('ERR_STORAGE_MISUSE', 'The backup and the database are the same file.');
  }
  let facts: DatabaseFacts | undefined;
  let kept: string | undefined;
  await writeAtomically(file, '', async (draft) => {
    facts = await takeCopy(backup, draft, { box: new SecretBox(encryptionKey), onBytes });
    const lock = await lockUnused(file);
    try {
      kept = await keepOld(file, { withLogs: lock === undefined });
      await rename(draft, file);
    } finally {
      if (lock) closeDatabase(lock);
      await removeSideFiles(draft);
    }
  });
  if (facts === undefined) throw new Error('The backup has no facts.');
  return { ...facts, kept };
}

/**
 * Gives the old database a second name. Logs that are left, of a damaged or lost database, go with it: SQLite would add them to
 * the new one. One that is locked has none that counts.
 */
async function keepOld(file: string, { withLogs }: { withLogs: boolean }): Promise<string | undefined> {
  const kept = `${file}.${new Date().toISOString().replaceAll(/[-:.]/g, '')}.old`;
  const isThere = await exists(file);
  if (isThere) await link(file, kept);
  let hasLog = false;
  for (const end of withLogs ? ['-wal', '-journal'] : []) {
    if (!(await exists(`${file}${end}`))) continue;
    await rename(`${file}${end}`, `${kept}${end}`);
    hasLog = true;
  }
  return isThere || hasLog ? kept : undefined;
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { StorageError } from './storage-error.ts';

/** Marks a SQLite file as a config database (bytes 68–71 of the header): "SmCf". */
export const APPLICATION_ID = 0x536d4366;

const SQLITE_MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const APPLICATION_ID_AT = 68;

/** Makes a directory and its parents, open to their owner only; one that exists stays as it is. */
async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

/** Makes sure that the names of a directory survive a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory, and does not need it.
  if (process.platform === 'win32') return;
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file (mode 0600) under a temporary name beside it and has `place` move it into its place, so that a reader
 * never sees half of it and it survives a power cut. Makes the directory if there is none.
 */
export async function writeAtomically(
  file: string,
  text: string,
  place: (draft: string) => Promise<void>,
): Promise<void> {
  await makeDirectory(dirname(file));
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(draft);
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(file));
}

/** A database file that this process may open; `release` lets it be claimed again. */
export interface ClaimedFile {
  state: 'new' | 'existing';
  release: () => void;
}

/**
 * The files that this process has open, by device and inode. POSIX takes all locks of a process off a file as soon as
 * it closes any handle of it: even a look at the header would cost an open database its lock, so the claim comes first.
 */
const claimed = new Set<string>();

/**
 * Makes an empty database file (mode 0600, which SQLite gives to the files beside it too) unless there is one, and
 * tells whether it is new. A file that is no config database is refused before SQLite gets to see it.
 *
 * @throws {StorageError} for a file of something else, one that is open already, or one that cannot be read and written.
 */
export async function claimDatabaseFile(file: string): Promise<ClaimedFile> {
  try {
    await makeDirectory(dirname(file));
    await createEmpty(file);
    const { dev, ino } = await stat(file, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (claimed.has(identity))
      throw new StorageError('ERR_STORAGE_LOCKED', `${file} is open already in this process.`);
    claimed.add(identity);
    const release = (): void => {
      claimed.delete(identity);
    };
    try {
      return { state: await readState(file), release };
    } catch (error) {
      release();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    const message = `The database ${file} cannot be opened${codeSuffix(cause)}.`;
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', message, { cause });
  }
}

async function readState(file: string): Promise<ClaimedFile['state']> {
  const handle = await open(file, 'r+');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead === 0) return 'new';
    refuseForeign(file, header.subarray(0, bytesRead));
    return 'existing';
  } finally {
    await handle.close();
  }
}

async function createEmpty(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.sync();
    await handle.close();
    await syncDirectory(dirname(file));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function refuseForeign(file: string, header: Buffer): void {
  const magic = header.subarray(0, SQLITE_MAGIC.length).toString('latin1');
  if (magic !== SQLITE_MAGIC || header.length < HEADER_BYTES) {
    throw new StorageError(
      'ERR_STORAGE_FOREIGN',
      `The file ${file} is no SQLite database, or a damaged one. It was left as it is: choose another file or restore a backup.`,
    );
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    throw new StorageError(
      'ERR_STORAGE_FOREIGN',
      `The file ${file} is the SQLite database of another program. It was left as it is: choose another file.`,
    );
  }
}

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeSuffix, errorCode } from '../lib/error-code.ts';
import { StorageError } from './storage-error.ts';

/** Marks a SQLite file as a config database (bytes 68–71 of the header): "SmCf". */
export const APPLICATION_ID = 0x536d4366;

const SQLITE_MAGIC = 'SQLite format 3\0';
export const HEADER_BYTES = 100;
const APPLICATION_ID_AT = 68;

/** Creates a directory and its parents, private to their owner. An existing one is not changed. */
export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

/** Makes sure that new names in a directory survive a power cut. */
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
 * Writes a file (mode 0600) under a temporary name and lets `place` move it to its final one, so that readers never see
 * half of it and it survives a power cut. Creates the directory if it is missing.
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

/**
 * Runs `work`, which writes a file for a command.
 * @throws {StorageError} naming the file instead of an error of the file system, such as for a full disk
 */
export async function writingFile<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    const message = `The file ${file} cannot be written${codeSuffix(cause)}. Check its folder and the space on its disk.`;
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', message, { cause });
  }
}

/** @throws {StorageError} if a file would be replaced */
export async function refuseExisting(file: string): Promise<void> {
  if (await exists(file)) throw alreadyExists(file);
}

function alreadyExists(file: string): StorageError {
  const advice = 'choose another name, or add --force to replace it.';
  return new StorageError('ERR_STORAGE_FOREIGN', `The file ${file} exists. It was not changed: ${advice}`);
}

/** Gives a complete draft its name. @throws {StorageError} if the name is taken, unless `force` is given */
export async function placeFile(draft: string, file: string, { force }: { force: boolean }): Promise<void> {
  if (force) return rename(draft, file);
  // Unlike a rename, a link never replaces an existing file.
  await link(draft, file).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw alreadyExists(file);
  });
}

/** A database file that this process may open, until `release` is called. */
export interface ClaimedFile {
  state: 'new' | 'existing';
  release: () => void;
}

/**
 * The files that this process has open, by device and inode. POSIX releases all locks that a process has on a file when
 * it closes any handle of it. Even reading the header would cost an open database its lock, so the claim comes first.
 */
const claimed = new Set<string>();

/**
 * Claims a database file for this process, and creates one (mode 0600, which SQLite copies to the files beside it) if it
 * is missing. A file that is not a config database is refused before SQLite opens it.
 *
 * @param initialize turns an empty file into a database. It gets its name only then: an empty file with that name is
 * what is left of a lost database.
 * @throws {StorageError} for a file with other content, one that is already open, or one that cannot be read and
 * written
 */
export async function claimDatabaseFile(
  file: string,
  initialize: (draft: string) => void,
): Promise<ClaimedFile> {
  try {
    await makeDirectory(dirname(file));
    await createDatabase(file, initialize);
    const { dev, ino } = await stat(file, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (claimed.has(identity))
      throw new StorageError('ERR_STORAGE_LOCKED', `${file} is already open in this process.`);
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

/** Refuses a file that this process has open as a database: to close another handle of it would unlock the database. */
export async function refuseClaimed(file: string): Promise<void> {
  const { dev, ino } = await stat(file, { bigint: true });
  if (!claimed.has(`${dev}:${ino}`)) return;
  throw new StorageError('ERR_STORAGE_LOCKED', `${file} is open in this process.`);
}

/** Makes sure that the content of a file survives a power cut. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether there is a file with the header of a config database. */
export async function isConfigDatabase(file: string): Promise<boolean> {
  if (!(await exists(file))) return false;
  await refuseClaimed(file);
  const handle = await open(file, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    refuseForeign(file, header.subarray(0, bytesRead));
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  } finally {
    await handle.close();
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

async function createDatabase(file: string, initialize: (draft: string) => void): Promise<void> {
  if (await exists(file)) return;
  await writeAtomically(file, '', async (draft) => {
    initialize(draft);
    await syncFile(draft);
    // Unlike a rename, a link never replaces an existing file.
    await link(draft, file).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  });
}

/** The file that a name stands for, which may be a symbolic link, also to a file that is missing. */
export async function followLink(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    const target = await readlink(file).catch(() => undefined);
    return target === undefined ? file : resolve(dirname(file), target);
  }
}

/** Whether there is a file or folder of this name. */
export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Refuses a file that is not a config database. @param header its first 100 bytes, or fewer if it is shorter */
export function refuseForeign(file: string, header: Buffer): void {
  const magic = header.subarray(0, SQLITE_MAGIC.length).toString('latin1');
  if (magic !== SQLITE_MAGIC || header.length < HEADER_BYTES) {
    throw new StorageError(
      'ERR_STORAGE_FOREIGN',
      `The file ${file} is not a SQLite database, or it is damaged. It was not changed: ` +
        'choose another file or restore a backup.',
    );
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    throw new StorageError(
      'ERR_STORAGE_FOREIGN',
      `The file ${file} is a SQLite database of another program. It was not changed: choose another file.`,
    );
  }
}

import { errorCode } from './text-file.ts';
import { pause } from './token-clock.ts';

/** As much of `node:fs/promises` and `node:path` as is used. */
export interface FileSystem {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
}

/** A lock that was left behind by a process that died is broken after so long; a write takes milliseconds. */
const LOCK_LIFE_MS = 10_000;
const LOCK_WAIT_MS = 20;
const LOCK_ATTEMPTS = 25;

/**
 * Replaces a file as a whole: a reader sees the old text or the new, whatever happens in between. The file is readable
 * by its owner alone (0600), and so are the directories that are made for it (0700).
 */
export async function replaceFile(system: FileSystem, file: string, text: string): Promise<void> {
  const { fs, path } = system;
  const directory = path.dirname(file);
  const temporary = `${file}.${globalThis.crypto.randomUUID()}.tmp`;
  try {
    const handle = await fs.open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text, 'utf8');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(system, directory);
}

/** Makes the directory of a file, and runs `work` while no other process does so for the same file. */
export async function withFileLock(
  system: FileSystem,
  file: string,
  work: () => Promise<void>,
): Promise<'done' | 'busy'> {
  const { fs, path } = system;
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt += 1) {
    if (await takeLock(system, lock)) {
      try {
        await removeLeftovers(system, file);
        await work();
      } finally {
        await fs.unlink(lock).catch(() => undefined);
      }
      return 'done';
    }
    await pause(LOCK_WAIT_MS * (0.5 + Math.random()));
  }
  return 'busy';
}

async function takeLock({ fs }: FileSystem, lock: string): Promise<boolean> {
  try {
    const handle = await fs.open(lock, 'wx', 0o600);
    await handle.close();
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  if (await isOlderThan({ fs }, lock, LOCK_LIFE_MS)) await fs.unlink(lock).catch(() => undefined);
  return false;
}

/** Temporary files of processes that died while they wrote. */
async function removeLeftovers({ fs, path }: FileSystem, file: string): Promise<void> {
  const directory = path.dirname(file);
  const prefix = `${path.basename(file)}.`;
  for (const name of await fs.readdir(directory)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const leftover = path.join(directory, name);
    if (await isOlderThan({ fs }, leftover, LOCK_LIFE_MS)) await fs.unlink(leftover).catch(() => undefined);
  }
}

async function isOlderThan({ fs }: Pick<FileSystem, 'fs'>, file: string, ms: number): Promise<boolean> {
  // Of the entry itself, be it a link to nothing.
  const stats = await fs.lstat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ms;
}

/** Makes the rename last through a power cut; not every system can open a directory. */
async function syncDirectory({ fs }: FileSystem, directory: string): Promise<void> {
  try {
    const handle = await fs.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The rename itself is done.
  }
}

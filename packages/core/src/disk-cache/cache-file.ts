import { sleep } from '../http/backoff.ts';
import { errorCode } from './text-file.ts';

/** As much of Node's modules as is used. */
export interface FileSystem {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
  os: typeof import('node:os');
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
    await sleep(LOCK_WAIT_MS * (0.5 + Math.random()));
  }
  return 'busy';
}

async function takeLock(system: FileSystem, lock: string): Promise<boolean> {
  const { fs, os } = system;
  try {
    await fs.writeFile(lock, JSON.stringify([os.hostname(), process.pid]), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  if ((await isHolderGone(system, lock)) || (await isOlderThan(system, lock, LOCK_LIFE_MS))) {
    await fs.unlink(lock).catch(() => undefined);
  }
  return false;
}

/** Whether the lock is of a process of this machine that ended, perhaps killed; of others only their age tells. */
async function isHolderGone({ fs, os }: FileSystem, lock: string): Promise<boolean> {
  // A pipe in its place would be waited for.
  const isFile = await fs.lstat(lock).then(
    (stats) => stats.isFile() && stats.size < 1_000,
    () => false,
  );
  const text = isFile ? await fs.readFile(lock, 'utf8').catch(() => '') : '';
  const [host, pid] = /^\["(.*)",(\d+)\]$/.exec(text)?.slice(1) ?? [];
  if (host !== os.hostname() || pid === undefined) return false;
  try {
    // Signal 0 only asks whether there is such a process.
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Temporary files of processes that died while they wrote. */
async function removeLeftovers(system: FileSystem, file: string): Promise<void> {
  const { fs, path } = system;
  const directory = path.dirname(file);
  const prefix = `${path.basename(file)}.`;
  for (const name of await fs.readdir(directory)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const leftover = path.join(directory, name);
    if (await isOlderThan(system, leftover, LOCK_LIFE_MS)) await fs.unlink(leftover).catch(() => undefined);
  }
}

async function isOlderThan({ fs }: FileSystem, file: string, ms: number): Promise<boolean> {
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

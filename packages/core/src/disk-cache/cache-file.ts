import { sleep } from '../http/backoff.ts';
import { errorCode } from './text-file.ts';

/** The Node.js modules used here. */
export interface FileSystem {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
  os: typeof import('node:os');
}

/** Older locks are removed: a write takes milliseconds, so their process must have died. */
const LOCK_LIFE_MS = 10_000;
const LOCK_WAIT_MS = 20;
const LOCK_ATTEMPTS = 25;

/**
 * Replaces a file atomically: a reader sees either the old text or the new one, even after a crash. Only its owner
 * can read the file (0600).
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

/**
 * Creates the file's directory (0700), and runs `work` under a lock that excludes other processes.
 * @returns `busy` if the lock was not free within half a second; `work` did not run then.
 */
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
    // Through `globalThis`: Next warns about other uses of Node's APIs in code that it bundles for the edge.
    const holder = [os.hostname(), globalThis.process.pid];
    await fs.writeFile(lock, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  if ((await isHolderGone(system, lock)) || (await isOlderThan(system, lock, LOCK_LIFE_MS))) {
    await fs.unlink(lock).catch(() => undefined);
  }
  return false;
}

/** Whether the lock's process ran on this machine and has ended. For other machines, only the lock's age counts. */
async function isHolderGone({ fs, os }: FileSystem, lock: string): Promise<boolean> {
  // Anything but a file is not read: reading a pipe would block.
  const isFile = await fs.lstat(lock).then(
    (stats) => stats.isFile() && stats.size < 1_000,
    () => false,
  );
  const text = isFile ? await fs.readFile(lock, 'utf8').catch(() => '') : '';
  const [host, pid] = /^\["(.*)",(\d+)\]$/.exec(text)?.slice(1) ?? [];
  if (host !== os.hostname() || pid === undefined) return false;
  try {
    // Signal 0 only checks whether the process exists.
    globalThis.process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Removes temporary files of processes that died while writing. */
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
  // `lstat`, since it may be a broken symbolic link.
  const stats = await fs.lstat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ms;
}

/** Makes the rename survive a power failure. */
async function syncDirectory({ fs }: FileSystem, directory: string): Promise<void> {
  try {
    const handle = await fs.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some systems cannot open a directory. The file was renamed anyway.
  }
}

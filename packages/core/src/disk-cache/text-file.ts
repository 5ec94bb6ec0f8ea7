/** Bytes of a file that are read at most. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text of a regular file of at most 64 MiB. A pipe or a device, which may never end, is refused at once.
 * @throws an error whose {@link errorCode} says why it cannot be read.
 */
export async function readTextFile(fs: typeof import('node:fs/promises'), file: string): Promise<string> {
  // Else opening a pipe waits for somebody who writes. Windows lacks the flag, which then counts as 0.
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  const handle = await fs.open(file, O_RDONLY | O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new UnreadableFileError('no regular file');
    if (stats.size > MAX_BYTES) throw new UnreadableFileError('larger than 64 MiB');
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Caught by all who call {@link readTextFile}. */
class UnreadableFileError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The code of a system's error, such as `EACCES`. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

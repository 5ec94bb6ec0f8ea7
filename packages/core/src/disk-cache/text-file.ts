const MAX_BYTES = 64 * 1024 * 1024;

/** {@link readBytes} as UTF-8. */
export async function readTextFile(fs: typeof import('node:fs/promises'), file: string): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readBytes(fs, file));
}

/**
 * Reads a regular file of at most 64 MiB. Pipes and devices are refused, since reading them may never end.
 * @throws an error whose {@link errorCode} says why it cannot be read.
 */
export async function readBytes(fs: typeof import('node:fs/promises'), file: string): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a pipe waits for a writer. Windows does not have the flag; there it counts as 0.
  const { O_RDONLY, O_NONBLOCK } = fs.constants;
  const handle = await fs.open(file, O_RDONLY | O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new UnreadableFileError('not a regular file');
    if (stats.size > MAX_BYTES) throw new UnreadableFileError('larger than 64 MiB');
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Internal: all callers of {@link readBytes} catch it. */
class UnreadableFileError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The code of a system error, such as `EACCES`. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

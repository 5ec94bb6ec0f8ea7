import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../disk-cache/text-file.ts';
import { OptionsError } from '../errors.ts';

/**
 * Every file below a folder, in the order of names, or the one file itself. Symbolic links are not followed: what they point
 * to may be outside of the build.
 *
 * @param without - folders to leave out
 * @throws {OptionsError} if the path does not exist or cannot be read.
 */
export async function* filesBelow(path: string, without: ReadonlySet<string>): AsyncGenerator<string> {
  if (!(await isFolder(path))) {
    yield path;
    return;
  }
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw notReadable(path, error);
  });
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const inner = join(path, entry.name);
    if (without.has(inner)) continue;
    if (entry.isDirectory()) yield* filesBelow(inner, without);
    else if (entry.isFile()) yield inner;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    throw notReadable(path, error);
  });
  if (stats.isDirectory() || stats.isFile()) return stats.isDirectory();
  // Reading a pipe would wait for a writer.
  throw new OptionsError('paths', `${path} is neither a folder nor a file.`);
}

/** The error for a path of the scan that cannot be read. */
export function notReadable(path: string, error: unknown): OptionsError {
  const code = errorCode(error);
  return new OptionsError(
    'paths',
    code === 'ENOENT'
      ? `${path} does not exist. Build first, or check the path.`
      : `${path} cannot be read (${code}).`,
  );
}

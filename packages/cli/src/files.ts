import { randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliIo } from './cli-io.ts';
import { UsageError } from './errors.ts';
import { parseJson } from './json.ts';

/**
 * Reads a JSON file.
 *
 * @param label - what the error message calls the file: `--credentials credentials.json`.
 * @throws {UsageError} if it cannot be read or is not valid JSON. The parser's own message is left out, because it quotes
 * the content.
 */
export async function readJsonFile(path: string, label: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${label} cannot be read: ${fileProblem(error)}.`);
  }
  const content = parseJson(text.replace(/^\uFEFF/, ''));
  if (content === undefined) throw new UsageError(`${label} is not valid JSON.`);
  return content;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'file or folder not found',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
};

/** Describes why a file could not be read or written. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return PROBLEMS[code] ?? code;
}

/**
 * Replaces a file in one step: readers see the old file or the whole new one. The new one has its mode from the start, so
 * that others cannot read a secret for a moment. A symbolic link stays; the file that it names is replaced.
 *
 * @throws {UsageError} if it cannot be written.
 */
export async function replaceFile(
  io: CliIo,
  file: string,
  { content, mode }: { content: string | Uint8Array; mode: number },
): Promise<void> {
  const given = resolve(io.cwd, file);
  const path = await realpath(given).catch(() => given);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new UsageError(`${file} cannot be written: ${fileProblem(error)}.`);
  }
}

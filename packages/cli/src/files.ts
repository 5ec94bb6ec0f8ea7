import { readFile } from 'node:fs/promises';
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

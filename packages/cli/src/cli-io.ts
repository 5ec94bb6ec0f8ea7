import { fstatSync } from 'node:fs';
import { UsageError } from './errors.ts';

/** A text output; Node's `WriteStream` is one. */
export interface CliOutput {
  write(text: string): unknown;
  /** Colours and questions need a terminal. */
  readonly isTTY?: boolean;
  /** The file descriptor, if there is one. */
  readonly fd?: number;
}

/** A text input; `process.stdin` is one. */
export interface CliInput extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean;
}

/** Everything outside itself that a command uses, so that it can be embedded and tested. */
export interface CliIo {
  stdout: CliOutput;
  stderr: CliOutput;
  stdin: CliInput;
  env: Readonly<Record<string, string | undefined>>;
  /** The folder that file names are relative to. */
  cwd: string;
  /** Replaces the global `fetch`. With it, the proxy variables in `env` are not used. */
  fetch?: typeof globalThis.fetch;
}

/** Returns the streams and variables of this process. */
export function processIo(): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
  };
}

/**
 * Whether text that is written now begins a line: on a terminal, and in a file that is still empty. With `>>`, or `| tee -a`,
 * the last line of the user's file may lack its line break, and this program cannot read that file.
 */
export function isAtLineStart({ isTTY, fd }: CliOutput): boolean {
  if (isTTY === true) return true;
  if (fd === undefined) return false;
  const stats = fstatSync(fd);
  return stats.isFile() && stats.size === 0;
}

/** Longest standard input; larger than any value that a config server accepts. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;

/**
 * Reads an input to its end, as text.
 *
 * @throws {UsageError} if it is longer than 4 MiB or not valid UTF-8.
 */
export async function readAll(input: CliInput): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > MAX_INPUT_BYTES) throw new UsageError('Standard input is longer than 4 MiB.');
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new UsageError('Standard input is not valid UTF-8. Convert it to UTF-8 text first.');
  }
}

/** Reads the first line of an input, without its line break. Returns an empty string if there is none. */
export async function readLine(input: CliInput): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (text.includes('\n')) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? '';
}

import { UsageError } from './errors.ts';

/** Where text goes; a `WriteStream` of Node is one. */
export interface CliOutput {
  write(text: string): unknown;
  /** Colours and questions need a terminal. */
  readonly isTTY?: boolean;
}

/** Where text comes from; `process.stdin` is one. */
export interface CliInput extends AsyncIterable<string | Uint8Array> {
  readonly isTTY?: boolean;
}

/** Everything that a command touches outside of itself, so that it can be embedded and tested. */
export interface CliIo {
  stdout: CliOutput;
  stderr: CliOutput;
  stdin: CliInput;
  env: Readonly<Record<string, string | undefined>>;
  /** File names are relative to it. */
  cwd: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** The process's own streams and variables. */
export function processIo(): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
  };
}

/** Bytes that standard input may hold: more than any value that a config server takes. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;

/**
 * All of an input as text.
 *
 * @throws {UsageError} where it is too long, or no UTF-8.
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
    throw new UsageError('Standard input is no UTF-8 text, and would not be stored as it is.');
  }
}

/** The first line of an input, without its end; empty where there is none. */
export async function readLine(input: CliInput): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (text.includes('\n')) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? '';
}

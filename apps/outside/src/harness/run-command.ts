import { type ChildProcess, spawn } from 'node:child_process';
import { childEnvironment } from './child-environment.ts';
import { seconds, startStep } from './progress.ts';

/** A program and its arguments; no shell reads them. */
export type Command = readonly [program: string, ...args: string[]];

export interface CommandOptions {
  /** Name in progress lines and failures. */
  project: string;
  cwd: string;
  env?: Record<string, string>;
  /** Standard input; empty by default. */
  input?: string;
  /** After this many milliseconds the command and its children are killed; default 8 minutes. */
  timeoutMs?: number;
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  /** Standard output and standard error, in the order of their arrival. */
  output: string;
}

/** A command did not end in time, and was killed. */
export class CommandTimeout extends Error {}

const DEFAULT_TIMEOUT_MS = 8 * 60_000;
const SHOWN_LINES = 60;

/** Runs a command to its end. Rejects, showing its last lines, unless it ends with exit code 0 in time. */
export async function runCommand(command: Command, options: CommandOptions): Promise<CommandResult> {
  const line = command.join(' ');
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const step = startStep(options.project, line);
  const result = await collect(command, options, timeoutMs);
  step.end(result.code);
  if (result.code === 0) return result;
  const shown = `${options.project}: "${line}"`;
  const end = lastLines(result.output);
  if (result.timedOut) {
    throw new CommandTimeout(`${shown} did not end within ${seconds(timeoutMs)}.\n${end}`);
  }
  throw new Error(`${shown} ended with code ${result.code}.\n${end}`);
}

async function collect(
  [program, ...args]: Command,
  options: CommandOptions,
  timeoutMs: number,
): Promise<CommandResult & { timedOut: boolean }> {
  const child = spawnGroup([program, ...args], options);
  let stdout = '';
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
    output += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stdin?.end(options.input ?? '');
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    signalGroup(child, 'SIGKILL');
  }, timeoutMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  return { code, stdout, output, timedOut };
}

/** Starts a command in a process group of its own, so that its children can be ended with it. */
export function spawnGroup(
  [program, ...args]: Command,
  options: Pick<CommandOptions, 'cwd' | 'env'>,
): ChildProcess {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: childEnvironment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // A command may end without reading its standard input.
  child.stdin?.on('error', () => undefined);
  const kill = (): void => signalGroup(child, 'SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

/** Sends a signal to a process and all its children. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

/** The end of an output, for a failure's message. */
export function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
}

import { type ChildProcess, execFile, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A script of this folder that runs in a process of its own. */
export interface ChildScript {
  readonly child: ChildProcess;
  send(message: object): void;
  /** Resolves with the next message. Rejects if the process ends first. */
  next<Message>(): Promise<Message>;
  /** Kills the process. */
  stop(): Promise<void>;
}

/** Starts a script of this folder, with these variables in addition to the current ones. */
export async function startScript(
  name: string,
  env: Record<string, string> = {},
  execArgv: readonly string[] = [],
): Promise<ChildScript> {
  const child = fork(pathOf(name), { env: { ...process.env, ...env }, execArgv: [...execArgv] });
  const messages: unknown[] = [];
  const waiting: { resolve: (message: unknown) => void; reject: (error: Error) => void }[] = [];
  child.on('message', (message) => {
    const first = waiting.shift();
    if (first === undefined) messages.push(message);
    else first.resolve(message);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let ended: Error | undefined;
  void exited.then((code) => {
    ended = new Error(`${name} ended with code ${code}.`);
    for (const { reject } of waiting) reject(ended);
  });
  return {
    child,
    send: (message) => void child.send(message),
    next: async <Message>() => {
      if (messages.length > 0) return messages.shift() as Message;
      if (ended !== undefined) throw ended;
      return (await new Promise<unknown>((resolve, reject) => waiting.push({ resolve, reject }))) as Message;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * Runs a script of this folder until it ends by itself, within 40 s: before a stream without heartbeats times out after 45 s.
 *
 * @param onOutput - called when the script has printed something.
 * @returns what it has printed.
 */
export async function runScript(
  name: string,
  options: { args?: readonly string[]; env?: Record<string, string>; onOutput?: () => void } = {},
): Promise<string> {
  const { args = [], env = {}, onOutput } = options;
  const run = promisify(execFile)(process.execPath, [pathOf(name), ...args], {
    env: { ...process.env, ...env },
    timeout: 40_000,
  });
  if (onOutput !== undefined) run.child.stdout?.once('data', onOutput);
  return (await run).stdout;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}

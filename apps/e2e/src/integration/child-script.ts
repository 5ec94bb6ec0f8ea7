import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A script of this folder in a process of its own. */
export interface ChildScript {
  readonly child: ChildProcess;
  send(message: object): void;
  /** The next message that was not taken yet. Rejects once the process has ended without one. */
  next<Message>(): Promise<Message>;
  /** Its exit code, once it has ended by itself. */
  ended(): Promise<number | null>;
  /** Ends it at once. */
  stop(): Promise<void>;
}

/** Starts a script of this folder, with these variables beside the own ones. */
export async function startScript(
  name: string,
  env: Record<string, string> = {},
  execArgv: readonly string[] = [],
): Promise<ChildScript> {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url));
  const child = fork(script, { env: { ...process.env, ...env }, execArgv: [...execArgv] });
  const messages: unknown[] = [];
  const waiting: { resolve: (message: unknown) => void; reject: (error: Error) => void }[] = [];
  child.on('message', (message) => {
    const first = waiting.shift();
    if (first === undefined) messages.push(message);
    else first.resolve(message);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  void exited.then((code) => {
    for (const { reject } of waiting) reject(new Error(`${name} ended with ${code}`));
  });
  return {
    child,
    send: (message) => void child.send(message),
    next: async <Message>() => {
      if (messages.length > 0) return messages.shift() as Message;
      return (await new Promise<unknown>((resolve, reject) => waiting.push({ resolve, reject }))) as Message;
    },
    ended: () => exited,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

import type { ChildProcess } from 'node:child_process';
import { progress } from './progress.ts';
import { type Command, type CommandOptions, lastLines, signalGroup, spawnGroup } from './run-command.ts';

const STOP_GRACE_MS = 8_000;
const POLL_MS = 100;

interface StopOptions {
  signal?: NodeJS.Signals;
  graceMs?: number;
}

/** A process that runs until it is stopped, such as a server. */
export class RunningProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<void>;
  #stdout = '';
  #output = '';

  constructor(command: Command, options: Pick<CommandOptions, 'project' | 'cwd' | 'env'>) {
    this.#name = `${options.project}: "${command.join(' ')}"`;
    progress(options.project, `starts ${command.join(' ')}`);
    this.#child = spawnGroup(command, options);
    this.#child.stdin?.end();
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk;
      this.#output += chunk;
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#output += chunk;
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  /** Standard output and standard error so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves with the first line of standard output. */
  firstLine(timeoutMs = 120_000): Promise<string> {
    return this.#until('printed no line', timeoutMs, () => {
      const end = this.#stdout.indexOf('\n');
      return Promise.resolve(end === -1 ? undefined : this.#stdout.slice(0, end));
    });
  }

  /** Resolves once `url` returns any HTTP response. */
  async responds(url: string, timeoutMs = 120_000): Promise<void> {
    await this.#until(`did not respond at ${url}`, timeoutMs, async () => {
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(10_000), redirect: 'manual' });
        await response.body?.cancel();
        return true;
      } catch {
        return undefined;
      }
    });
  }

  /** Ends it and its children by a signal, SIGTERM by default, and by SIGKILL after a grace of 8 s by default. */
  async stop({ signal = 'SIGTERM', graceMs = STOP_GRACE_MS }: StopOptions = {}): Promise<void> {
    signalGroup(this.#child, signal);
    const timer = setTimeout(() => signalGroup(this.#child, 'SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  async #until<Result>(
    failure: string,
    timeoutMs: number,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const result = await attempt();
      if (result !== undefined) return result;
      if (this.hasExited) throw new Error(`${this.#name} ended early.\n${lastLines(this.#output)}`);
      if (performance.now() > deadline) {
        throw new Error(`${this.#name} ${failure} within ${timeoutMs / 1000} s.\n${lastLines(this.#output)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

import { cp, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import {
  type Command,
  type CommandOptions,
  type CommandResult,
  CommandTimeout,
  runCommand,
} from './run-command.ts';
import { RunningProcess } from './running-process.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** Installs take 5 to 30 seconds on a quiet machine. */
const INSTALL_TIMEOUT_MS = 4 * 60_000;
/** What npm prints when a download fails. */
const NETWORK_FAILURE =
  /ECONNRESET|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|E50[234]|E429/;

type RunOptions = Pick<CommandOptions, 'env' | 'input' | 'timeoutMs'>;

/** A user's project in a folder outside the workspace. */
export class OutsideProject {
  readonly name: string;
  readonly folder: string;
  readonly #running: { stop(): Promise<void> }[] = [];

  constructor(name: string) {
    this.name = name;
    this.folder = join(inject('outside').path, name);
  }

  /**
   * Makes the project: with a framework's generator, which creates a folder of the project's name, or else by
   * `npm init`.
   */
  async generate(generator?: Command): Promise<void> {
    if (generator !== undefined) {
      const cwd = inject('outside').path;
      const run = () => runCommand(generator, { project: this.name, cwd });
      await this.#tryTwice(run, () => rm(this.folder, { recursive: true, force: true }));
      return;
    }
    await mkdir(this.folder);
    await this.run(['npm', 'init', '-y']);
  }

  /** Copies the files of `fixtures/<name>` over the project's. */
  async overlay(fixture: string): Promise<void> {
    await cp(join(fixtures, fixture), this.folder, { recursive: true });
  }

  /**
   * Installs packed packages, others from the registry, and the dependencies of the generated project, in one step.
   * Checks that the packed ones were not linked from the workspace.
   */
  async install(ours: string[], others: string[]): Promise<void> {
    const { tarballs } = inject('outside');
    const files = ours.map((name) => {
      const tarball = tarballs[name];
      if (tarball === undefined) throw new Error(`The workspace has no package ${name}.`);
      return tarball;
    });
    await this.#npmInstall([...files, ...others]);
    const home = await realpath(this.folder);
    for (const name of ours) {
      const installed = await realpath(join(this.folder, 'node_modules', name));
      if (!installed.startsWith(home)) throw new Error(`${name} was not installed into ${this.name}.`);
    }
  }

  #npmInstall(packages: string[]): Promise<void> {
    return this.#tryTwice(async () => {
      await this.run(['npm', 'install', ...packages], { timeoutMs: INSTALL_TIMEOUT_MS });
    });
  }

  /**
   * Runs a command again, once, if npm hung in a download or the network failed, which is not what these tests are about.
   * Any other failure is final.
   */
  async #tryTwice(run: () => Promise<unknown>, cleanUp?: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof CommandTimeout) && !NETWORK_FAILURE.test(String(error))) throw error;
      await cleanUp?.();
      await run();
    }
  }

  /** Runs a command of the project to its end; rejects unless it ends with exit code 0. */
  run(command: Command, options: RunOptions = {}): Promise<CommandResult> {
    return runCommand(command, { project: this.name, cwd: this.folder, ...options });
  }

  /** Starts a process that `close` stops. */
  start(command: Command, env: Record<string, string> = {}): RunningProcess {
    const running = new RunningProcess(command, { project: this.name, cwd: this.folder, env });
    this.stopAtEnd(running);
    return running;
  }

  /** Lets `close` stop something else, such as a browser. */
  stopAtEnd(running: { stop(): Promise<void> }): void {
    this.#running.push(running);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  /** The text of all files in a folder. */
  async readAll(folder: string): Promise<string> {
    const names = await readdir(join(this.folder, folder));
    return (await Promise.all(names.map((name) => this.read(join(folder, name))))).join('\n');
  }

  /** Writes a file, in a new folder if need be. */
  async write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Copies a folder of the project into another one. */
  copy(from: string, to: string): Promise<void> {
    return cp(join(this.folder, from), join(this.folder, to), { recursive: true });
  }

  /** Stops all that runs, and removes the folder unless OUTSIDE_KEEP=1. */
  async close(): Promise<void> {
    for (const running of this.#running.splice(0).reverse()) await running.stop();
    if (!inject('outside').keep) await rm(this.folder, { recursive: true, force: true });
  }
}

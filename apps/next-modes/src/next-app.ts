import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../scripts/free-port.mjs';

const apps = fileURLToPath(new URL('..', import.meta.url));
const next = createRequire(import.meta.url).resolve('next/dist/bin/next');

/** Settings of the shell that runs the tests must not reach the apps. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(SMOOAI_|NODE_ENV$|VITEST|NODE_OPTIONS$)/.test(name)),
);

/** Folders of builds: the one that the tests share, the one without the packages under test, and that of a single test. */
const distFolders = { shared: '.next', without: '.next-without', own: '.next-own' };

/** Where a running app keeps the pages that it rendered anew. Next prefers them to those of the build. */
const RENDERED = 'server/route-cache';

/** One of the fixture apps, or a copy of one in another folder. */
export class NextApp {
  readonly #folder: string;
  readonly #variant: Record<string, string>;
  readonly #dist: string;
  #child: ChildProcess | undefined;
  #url = '';
  #output = '';

  constructor(
    folder: 'cached' | 'classic' | 'leaks' | (string & {}),
    build: keyof typeof distFolders = 'shared',
  ) {
    this.#folder = resolve(apps, folder);
    this.#dist = distFolders[build];
    this.#variant = { SHOP_DIST: this.#dist, SHOP_WITHOUT: build === 'without' ? '1' : '' };
  }

  /** The URL of the running app. */
  get url(): string {
    return this.#url;
  }

  /** What the running app has printed. */
  get output(): string {
    return this.#output;
  }

  /** Runs `next build`. Resolves with the exit code and all that it printed. */
  async build(
    env: Record<string, string>,
    ...options: string[]
  ): Promise<{ code: number | null; output: string }> {
    const code = await this.#spawn(['build', ...options], env).code;
    return { code, output: this.#output };
  }

  /**
   * Runs `next start` with the pages of the build, or `next dev`, and resolves when it responds. The process of an earlier
   * test may have left newer pages behind, or parts of them.
   * @param hostname - Next sends the rewrites of `proxy.ts` through the network on all names of this machine but `localhost`
   */
  async start(
    env: Record<string, string>,
    command: 'start' | 'dev' = 'start',
    hostname: '127.0.0.1' | 'localhost' = '127.0.0.1',
  ): Promise<void> {
    if (command === 'start')
      await rm(join(this.#folder, this.#dist, RENDERED), { recursive: true, force: true });
    const port = await freePort(0);
    this.#url = `http://${hostname}:${port}`;
    const { child, code } = this.#spawn([command, '--hostname', hostname, '--port', String(port)], env);
    this.#child = child;
    let hasExited = false;
    void code.then(() => {
      hasExited = true;
    });
    while (!hasExited) {
      if (
        await fetch(`${this.#url}/plain`).then(
          () => true,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`next ${command} has ended.\n${this.#output}`);
  }

  /** Fetches a page or route, as the user of a cookie. */
  async get(path: string, userId = 'someone'): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#url}${path}`, { headers: { cookie: `userId=${userId}` } });
    return { status: response.status, text: readable(await response.text()) };
  }

  /** Submits the only form of a page as a browser without JavaScript does. */
  async submit(path: string): Promise<string> {
    const page = await (await fetch(`${this.#url}${path}`)).text();
    const body = new FormData();
    for (const [input] of page.matchAll(/<input type="hidden"[^>]*>/g)) {
      body.append(attribute(input, 'name'), attribute(input, 'value'));
    }
    return (await fetch(`${this.#url}${path}`, { method: 'POST', body })).text();
  }

  /** Sends a body to a route, and resolves with the status. */
  async post(path: string, body: string, headers: Record<string, string> = {}): Promise<number> {
    return (await fetch(`${this.#url}${path}`, { method: 'POST', body, headers })).status;
  }

  /** The files of the build and of its caches that contain a text. */
  async filesWith(text: string): Promise<string[]> {
    const entries = await readdir(join(this.#folder, this.#dist), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const found: string[] = [];
    for (const file of files) if ((await readFile(file)).includes(text)) found.push(file);
    return found;
  }

  /** Sends SIGTERM, and resolves when the process has ended, with the milliseconds that it took. */
  async stop(): Promise<number> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const begin = performance.now();
    child.kill('SIGTERM');
    await exited;
    return performance.now() - begin;
  }

  #spawn(args: string[], env: Record<string, string>): { child: ChildProcess; code: Promise<number | null> } {
    this.#output = '';
    const options: SpawnOptions = {
      cwd: this.#folder,
      env: {
        ...inherited,
        NEXT_TELEMETRY_DISABLED: '1',
        ...this.#variant,
        ...env,
      } as unknown as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    };
    const child: ChildProcess = spawn(process.execPath, [next, ...args], options);
    const collect = (chunk: Buffer): void => {
      this.#output += chunk;
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    return { child, code: new Promise((resolve) => child.once('exit', (exitCode) => resolve(exitCode))) };
  }
}

/** Without the comments that React puts between texts, and with quotes as they are read. */
function readable(html: string): string {
  return html.replaceAll('<!-- -->', '').replaceAll('&#x27;', "'").replaceAll('&quot;', '"');
}

function attribute(tag: string, name: string): string {
  return readable(new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

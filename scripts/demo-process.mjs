import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { quietEnvironment } from './workspace.mjs';

const stopGraceMs = 8_000;

/**
 * A child process of the demo. Its output goes to a log file. It is stopped with SIGTERM, and with SIGKILL 8 s later.
 * `onExit(code)` is called if it ends without having been stopped.
 */
export class DemoProcess {
  #child;
  #exited;
  #stopping = false;
  #tail = '';

  constructor({ name, args, cwd, env, logFile, onExit = () => undefined }) {
    this.name = name;
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    this.#child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...quietEnvironment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (chunk) => {
        log.write(chunk);
        this.#tail = (this.#tail + chunk).slice(-4_000);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        log.end();
        resolve();
        if (!this.#stopping) onExit(code ?? signal);
      });
      this.#child.once('error', resolve);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** The last lines it printed. */
  get tail() {
    return this.#tail.split('\n').slice(-15).join('\n');
  }

  get hasExited() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves with the first result of `parse` that is not undefined, over the lines of its standard output. */
  firstLine(parse, timeoutMs) {
    return new Promise((resolve, reject) => {
      let text = '';
      const timer = setTimeout(
        () => reject(this.#failure(`printed no address within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      this.#child.stdout.on('data', (chunk) => {
        text += chunk;
        for (const line of text.split('\n').slice(0, -1)) {
          const parsed = parse(line);
          if (parsed !== undefined) {
            clearTimeout(timer);
            resolve(parsed);
          }
        }
      });
      void this.#exited.then(() => {
        clearTimeout(timer);
        reject(this.#failure('ended before it was ready'));
      });
    });
  }

  /** Resolves once `url` responds with a 2xx or 3xx status. */
  async responds(url, timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (this.hasExited) throw this.#failure('ended before it was ready');
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: 'manual' });
        await response.body?.cancel();
        if (response.status < 400) return;
      } catch {
        // It does not listen yet.
      }
      if (Date.now() > deadline)
        throw this.#failure(`did not respond at ${url} within ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  async stop() {
    this.#stopping = true;
    if (this.hasExited) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopGraceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Kills it like a crash. */
  async kill() {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #failure(reason) {
    return new Error(
      `The ${this.name} ${reason}.${this.tail.trim() === '' ? '' : ` Its last output:\n${this.tail}`}`,
    );
  }
}

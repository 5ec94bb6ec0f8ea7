import { Worker } from 'node:worker_threads';
import type { CheckJob, StoppedAt } from './check-job.ts';

/** Memory of a worker: compiling the largest honest schemas takes some 100 MB, the analysis of patterns 200 MB. */
const MAX_MEMORY_MB = 256;
/** How often the time that a job has used is looked at. */
const WATCH_MS = 20;
/** A job may take this many times its limit by the clock, however little of it the machine lets it compute. */
const MAX_CLOCK_FACTOR = 30;

// In dist, the bundle of this module is beside that of the worker, as here.
const WORKER = new URL('./check-worker.js', import.meta.url);

/** How a job ended: with a result, or stopped because of its time or memory. `usedMs` is computing time. */
export type JobEnd =
  | { state: 'done'; result: unknown; usedMs: number }
  | { state: 'stopped'; cause: 'time' | 'memory'; at: StoppedAt; usedMs: number };

/** A worker thread that runs one job at a time, and is stopped with a job that goes over its limit. */
export class CheckThread {
  readonly #progress = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  /** Ends the running job. */
  #settle: ((end: (clock: JobClock) => JobEnd | Error) => void) | undefined;
  #isLost = false;

  /** @param memoryMb for its heap; a job that needs more is stopped */
  constructor(memoryMb: number = MAX_MEMORY_MB) {
    this.#worker = new Worker(WORKER, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 32 },
      workerData: { progress: this.#progress },
    });
    this.#worker.unref();
    this.#ready = new Promise((resolve, reject) => {
      this.#worker.once('message', () => resolve());
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => reject(new Error('The worker ended before it was ready.')));
    });
    // `run` awaits it and throws the error.
    this.#ready.catch(() => undefined);
    this.#worker.on('message', (message: { result?: unknown; failure?: string }) => this.#onMessage(message));
    this.#worker.on('error', (error: NodeJS.ErrnoException) => this.#onLost(error));
    this.#worker.on('exit', () => this.#onLost(new Error('The worker ended.')));
  }

  /** Whether it can run another job. */
  get isUsable(): boolean {
    return !this.#isLost;
  }

  /**
   * Runs a job for at most `limitMs` of computing time.
   * @throws {Error} if the worker does not start or fails
   */
  async run(job: CheckJob, limitMs: number): Promise<JobEnd> {
    // The start of a worker is not the job's time.
    await this.#ready;
    const clock = new JobClock();
    return new Promise((resolve, reject) => {
      const watch = setInterval(() => {
        if (clock.usedMs() < limitMs) return;
        this.#settle?.(() => this.#stopped('time', clock));
        void this.stop();
      }, WATCH_MS);
      this.#settle = (toEnd) => {
        clearInterval(watch);
        this.#settle = undefined;
        const end = toEnd(clock);
        if (end instanceof Error) reject(end);
        else resolve(end);
      };
      this.#worker.postMessage(job);
    });
  }

  /** Ends the thread, whatever it is doing. */
  async stop(): Promise<void> {
    this.#isLost = true;
    await this.#worker.terminate();
  }

  #onMessage(message: { result?: unknown; failure?: string }): void {
    this.#settle?.((clock) =>
      message.failure === undefined
        ? { state: 'done', result: message.result, usedMs: clock.usedMs() }
        : new Error(`A check failed with ${message.failure}.`),
    );
  }

  #onLost(error: NodeJS.ErrnoException): void {
    this.#isLost = true;
    this.#settle?.((clock) =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? this.#stopped('memory', clock) : error,
    );
  }

  #stopped(cause: 'time' | 'memory', clock: JobClock): JobEnd {
    const [schema = 0, value = -1] = new Int32Array(this.#progress);
    return { state: 'stopped', cause, at: { schema, value }, usedMs: clock.usedMs() };
  }
}

/**
 * Measures computing time. On a busy machine that is less than the time by the clock, which would refuse honest work.
 * Node measures it for the whole process only: the clock is the upper bound if other threads compute too.
 */
class JobClock {
  readonly #startedAt = performance.now();
  readonly #cpu = process.cpuUsage();

  usedMs(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsedMs = performance.now() - this.#startedAt;
    return Math.max(Math.min((user + system) / 1_000, elapsedMs), elapsedMs / MAX_CLOCK_FACTOR);
  }
}

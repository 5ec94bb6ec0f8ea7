import { EventEmitter } from 'node:events';
import type { ResourceLimits } from 'node:worker_threads';
import { onTestFinished, vi } from 'vitest';

/**
 * Stands in for Node's `Worker`, so that a test decides when a job ends. Use it as
 * `vi.mock('node:worker_threads', async () => ({ Worker: (await import('…/fake-worker.ts')).FakeWorker }))`.
 */
export class FakeWorker extends EventEmitter {
  /** Every worker since {@link fakeTime}. */
  static started: FakeWorker[] = [];
  /** What the worker is doing: which schema, and which of its values. */
  readonly progress: Int32Array;
  /** The jobs that it was given. */
  readonly jobs: unknown[] = [];
  readonly resourceLimits: ResourceLimits;
  isReferenced = true;
  isTerminated = false;

  constructor(
    _url: URL,
    options: { workerData: { progress: SharedArrayBuffer }; resourceLimits: ResourceLimits },
  ) {
    super();
    const { workerData, resourceLimits } = options;
    this.resourceLimits = resourceLimits;
    this.progress = new Int32Array(workerData.progress);
    FakeWorker.started.push(this);
    queueMicrotask(() => this.emit('message', 'ready'));
  }

  unref(): void {
    this.isReferenced = false;
  }

  postMessage(job: unknown): void {
    this.jobs.push(job);
  }

  async terminate(): Promise<number> {
    this.isTerminated = true;
    await Promise.resolve();
    this.emit('exit', 1);
    return 1;
  }

  /** Ends its job. */
  finish(result?: unknown): void {
    this.emit('message', { result });
  }
}

/**
 * Time that passes only by `vi.advanceTimersByTimeAsync`, until the test ends.
 * @param computing the share of it that the process computes; 2 if two threads do
 */
export function fakeTime(computing = 1): void {
  FakeWorker.started = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  vi.spyOn(process, 'cpuUsage').mockImplementation((before) => ({
    user: performance.now() * computing * 500 - (before?.user ?? 0),
    system: performance.now() * computing * 500 - (before?.system ?? 0),
  }));
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

/** Lets promises that need no time settle. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

import { Refusal } from '../refusal.ts';
import type { CheckJob } from './check-job.ts';
import { CheckThread, type JobEnd } from './check-thread.ts';
import { type Caller, FairQueue } from './fair-queue.ts';

/** With two, the slow check of one client does not stop the checks of all others. */
const MAX_THREADS = 2;
/** A thread uses 20 to 80 MB, so it is stopped after this many idle milliseconds. */
const IDLE_MS = 10_000;
const MIB = 1024 * 1024;
const QUEUE_LIMITS = { perClient: { items: 200, size: 16 * MIB }, size: 128 * MIB };
/** How long a job may wait for a thread. */
const MAX_WAIT_MS = 60_000;
const RETRY_AFTER_SEC = 5;

interface Waiting {
  caller: Caller;
  size: number;
  job: CheckJob;
  limitMs: number;
  addedAt: number;
  resolve: (end: JobEnd) => void;
  reject: (error: unknown) => void;
}

/** Worker threads for checks. A client uses one of them at a time; organizations and clients take turns. */
export class CheckPool {
  readonly #queue = new FairQueue<Waiting>(QUEUE_LIMITS);
  readonly #idle: CheckThread[] = [];
  /** The running threads by client. */
  readonly #busy = new Map<string, CheckThread>();
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Runs a job, after those that wait before it, for at most `limitMs` of computing time.
   * @throws {Refusal} `too-many-requests` if the client has too many jobs, `busy` if all clients together have, or if no
   * thread was free in time
   */
  run(caller: Caller, job: CheckJob, limitMs: number): Promise<JobEnd> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closing());
        return;
      }
      const waiting = {
        caller,
        job,
        limitMs,
        size: sizeOf(job),
        addedAt: performance.now(),
        resolve,
        reject,
      };
      const outcome = this.#queue.add(waiting);
      if (outcome !== 'added') reject(fullQueue(outcome));
      this.#next();
    });
  }

  /** Stops the threads and refuses what waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    for (const { reject } of this.#queue.drain()) reject(closing());
    await Promise.all([...this.#idle, ...this.#busy.values()].map((thread) => thread.stop()));
  }

  #next(): void {
    while (this.#busy.size < MAX_THREADS) {
      const waiting = this.#queue.take((clientId) => this.#busy.has(clientId));
      if (waiting === undefined) return;
      if (performance.now() - waiting.addedAt > MAX_WAIT_MS) waiting.reject(fullQueue('full'));
      else void this.#start(waiting);
    }
  }

  async #start({ caller, job, limitMs, resolve, reject }: Waiting): Promise<void> {
    clearTimeout(this.#idleTimer);
    let thread = this.#idle.pop();
    while (thread?.isUsable === false) thread = this.#idle.pop();
    try {
      thread ??= new CheckThread();
    } catch (error) {
      // The system has no thread left, or the process may not start any.
      reject(error);
      return;
    }
    this.#busy.set(caller.clientId, thread);
    await thread
      .run(job, limitMs)
      .then(resolve, (error: unknown) => reject(this.#isClosed ? closing() : error));
    this.#busy.delete(caller.clientId);
    if (this.#isClosed) return;
    if (thread.isUsable) this.#idle.push(thread);
    // The other thread may have become idle before.
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#stopIdle(), IDLE_MS).unref();
    this.#next();
  }

  #stopIdle(): void {
    for (const thread of this.#idle.splice(0)) void thread.stop();
  }
}

function closing(): Refusal {
  return new Refusal('busy', 'The server is closing.');
}

function sizeOf(job: CheckJob): number {
  if (job.kind === 'pattern') return job.source.length;
  let size = 0;
  for (const { text, original, values } of job.schemas) {
    size += text.length + (original?.length ?? 0);
    for (const value of values) size += value.length;
  }
  return size;
}

function fullQueue(outcome: 'client-full' | 'full'): Refusal {
  const more = { retryAfterSec: RETRY_AFTER_SEC };
  return outcome === 'client-full'
    ? new Refusal(
        'too-many-requests',
        'This client has too many writes that wait for a check. Send fewer at once.',
        more,
      )
    : new Refusal('busy', 'Too many writes wait for a check. Try again later.', more);
}

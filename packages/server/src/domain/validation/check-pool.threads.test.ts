import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FakeWorker, fakeTime, settle } from '../../test-support/fake-worker.ts';
import type { CheckJob } from './check-job.ts';
import { CheckPool } from './check-pool.ts';

vi.mock('node:worker_threads', async () => ({
  Worker: (await import('../../test-support/fake-worker.ts')).FakeWorker,
}));

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

function startPool(computing?: number): CheckPool {
  fakeTime(computing);
  refused = [];
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  return pool;
}

const jobOf = (source: string): CheckJob => ({ kind: 'pattern', source, flags: 'u' });

/** The jobs that were refused so far. */
let refused: unknown[] = [];

/** Adds a job of a client. Its rejection is handled, whether or not the test looks at it. */
function run(pool: CheckPool, clientId: string, job: CheckJob | string = clientId, limitMs = HOUR_MS) {
  const organizationId = `organization of ${clientId}`;
  const end = pool.run({ organizationId, clientId }, typeof job === 'string' ? jobOf(job) : job, limitMs);
  end.catch((error: unknown) => refused.push(error));
  return end;
}

/** What each worker since the start was given. */
const given = (): unknown[][] =>
  FakeWorker.started.map(({ jobs }) => jobs.map((job) => (job as { source: string }).source));

const finish = async (index: number): Promise<void> => {
  FakeWorker.started[index]?.finish('result');
  await settle();
};

describe('threads', () => {
  it('are two at most; a client uses one of them, and the others wait', async () => {
    const pool = startPool();
    const ends = [run(pool, 'a', 'a1'), run(pool, 'a', 'a2'), run(pool, 'b', 'b1'), run(pool, 'c', 'c1')];
    await settle();
    expect(given()).toEqual([['a1'], ['b1']]);
    await finish(1);
    expect(await ends[2]).toMatchObject({ state: 'done', result: 'result' });
    expect(given()).toEqual([['a1'], ['b1', 'c1']]);
    await finish(0);
    expect(given()).toEqual([
      ['a1', 'a2'],
      ['b1', 'c1'],
    ]);
    await finish(0);
    await finish(1);
    expect((await Promise.all(ends)).map(({ state }) => state)).toEqual(ends.map(() => 'done'));
    expect(FakeWorker.started.map(({ isReferenced }) => isReferenced)).toEqual([false, false]);
  });

  it('have 256 MiB of memory at most', async () => {
    void run(startPool(), 'a');
    await settle();
    expect(FakeWorker.started.map(({ resourceLimits }) => resourceLimits)).toEqual([
      { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
    ]);
  });

  it('are stopped ten seconds after the last job, and started again for the next one', async () => {
    const pool = startPool();
    for (const source of ['one', 'two']) {
      void run(pool, 'a', source);
      await vi.advanceTimersByTimeAsync(9_000);
      await finish(0);
      await vi.advanceTimersByTimeAsync(9_999);
      expect(FakeWorker.started[0]?.isTerminated).toBe(false);
    }
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeWorker.started[0]?.isTerminated).toBe(true);
    void run(pool, 'a', 'three');
    await settle();
    expect(given()).toEqual([['one', 'two'], ['three']]);
  });

  it('are replaced after they ended, whether busy or idle', async () => {
    const pool = startPool();
    const ended = run(pool, 'a', 'one');
    await settle();
    FakeWorker.started[0]?.emit('exit', 1);
    await expect(ended).rejects.toThrow('The worker ended.');
    const next = run(pool, 'a', 'two');
    await settle();
    await finish(1);
    expect(await next).toMatchObject({ state: 'done' });
    FakeWorker.started[1]?.emit('error', new Error('lost'));
    void run(pool, 'a', 'three');
    await settle();
    expect(given()).toEqual([['one'], ['two'], ['three']]);
  });

  it('that end before they are ready fail their job, and are replaced', async () => {
    const pool = startPool();
    const ended = run(pool, 'a', 'one');
    FakeWorker.started[0]?.emit('exit', 1);
    await expect(ended).rejects.toThrow('The worker ended before it was ready.');
    const next = run(pool, 'a', 'two');
    await settle();
    await finish(1);
    expect(await next).toMatchObject({ state: 'done' });
    expect(given()).toEqual([[], ['two']]);
  });

  it('stay usable after a check that failed', async () => {
    const pool = startPool();
    const failed = run(pool, 'a', 'one');
    await settle();
    FakeWorker.started[0]?.emit('message', { failure: 'TypeError' });
    await expect(failed).rejects.toThrow('A check failed with TypeError.');
    void run(pool, 'a', 'two');
    await settle();
    expect(given()).toEqual([['one', 'two']]);
  });
});

describe('the limit of a job', () => {
  it('is computing time, after which its thread is stopped', async () => {
    const pool = startPool();
    const end = run(pool, 'a', 'slow', 1_000);
    const after = run(pool, 'a', 'next', 1_000);
    await vi.advanceTimersByTimeAsync(980);
    expect(FakeWorker.started[0]?.isTerminated).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(await end).toMatchObject({ state: 'stopped', cause: 'time', usedMs: 1_000 });
    expect(FakeWorker.started[0]?.isTerminated).toBe(true);
    expect(given()).toEqual([['slow'], ['next']]);
    await finish(1);
    expect(await after).toMatchObject({ state: 'done', usedMs: 0 });
  });

  it('does not count the time in which the process does not compute', async () => {
    const pool = startPool(0.5);
    const end = run(pool, 'a', 'slow', 1_000);
    await vi.advanceTimersByTimeAsync(1_980);
    expect(FakeWorker.started[0]?.isTerminated).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(await end).toMatchObject({ state: 'stopped', cause: 'time', usedMs: 1_000 });
  });

  it('is thirty times as long by the clock if the machine computes nothing', async () => {
    const pool = startPool(0);
    const end = run(pool, 'a', 'stuck', 1_000);
    await vi.advanceTimersByTimeAsync(29_980);
    expect(FakeWorker.started[0]?.isTerminated).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(await end).toMatchObject({ state: 'stopped', cause: 'time', usedMs: 1_000 });
  });

  it('is not used up faster than the clock by other threads', async () => {
    const pool = startPool(3);
    void run(pool, 'a', 'slow', 1_000);
    await vi.advanceTimersByTimeAsync(980);
    expect(FakeWorker.started[0]?.isTerminated).toBe(false);
  });

  it('is no longer watched once the job has ended', async () => {
    const pool = startPool();
    void run(pool, 'a', 'one', 1_000);
    await settle();
    await finish(0);
    void run(pool, 'a', 'two');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeWorker.started.map(({ isTerminated }) => isTerminated)).toEqual([false]);
  });
});

describe('the queue', () => {
  it('takes 200 jobs of a client besides the one that runs', async () => {
    const pool = startPool();
    for (let count = 0; count < 201; count += 1) void run(pool, 'a');
    await settle();
    expect(refused).toEqual([]);
    await expect(run(pool, 'a')).rejects.toMatchObject({ code: 'too-many-requests', retryAfterSec: 5 });
    const other = run(pool, 'b');
    await settle();
    await finish(1);
    expect(await other).toMatchObject({ state: 'done' });
  });

  it.each<[string, CheckJob]>([
    ['a pattern', jobOf('x'.repeat(8 * MIB))],
    ['schemas', { kind: 'schema', isNew: false, schemas: [{ text: 'x'.repeat(8 * MIB), values: [] }] }],
    [
      'pushed schemas',
      { kind: 'schema', isNew: true, schemas: [{ text: '', original: 'x'.repeat(8 * MIB), values: [] }] },
    ],
    [
      'values',
      {
        kind: 'schema',
        isNew: false,
        schemas: [
          { text: '', values: ['', 'x'.repeat(4 * MIB)] },
          { text: '', values: ['x'.repeat(4 * MIB)] },
        ],
      },
    ],
  ])('holds 16 MiB of a client, by the size of %s', async (_name, job) => {
    const pool = startPool();
    for (const each of ['a', job, job]) void run(pool, 'a', each);
    await settle();
    expect(refused).toEqual([]);
    await expect(run(pool, 'a', job)).rejects.toMatchObject({ code: 'too-many-requests' });
  });

  it('holds 128 MiB of all clients', async () => {
    const pool = startPool();
    const job = jobOf('x'.repeat(16 * MIB));
    // Two of them run.
    for (let client = 0; client < 10; client += 1) void run(pool, `client ${client}`, job);
    await settle();
    expect(refused).toEqual([]);
    await expect(run(pool, 'last')).rejects.toMatchObject({ code: 'busy', retryAfterSec: 5 });
    await settle();
    await finish(0);
    void run(pool, 'last');
    await expect(run(pool, 'other', job)).rejects.toMatchObject({ code: 'busy' });
  });

  it('refuses a job that has waited for more than a minute', async () => {
    const pool = startPool();
    for (const client of ['a', 'b']) void run(pool, client);
    const late = [run(pool, 'c'), run(pool, 'd')];
    await vi.advanceTimersByTimeAsync(1);
    const inTime = run(pool, 'e');
    await vi.advanceTimersByTimeAsync(60_000);
    await finish(0);
    for (const end of late) await expect(end).rejects.toMatchObject({ code: 'busy', retryAfterSec: 5 });
    expect(given()).toEqual([['a', 'e'], ['b']]);
    await finish(0);
    expect(await inTime).toMatchObject({ state: 'done' });
  });
});

it('close() stops every thread, and refuses what runs, waits or comes later', async () => {
  const pool = startPool();
  for (const client of ['a', 'b']) void run(pool, client);
  await settle();
  await finish(0);
  const running = run(pool, 'b', 'more');
  const more = [run(pool, 'b'), run(pool, 'b')];
  await finish(1);
  const closing = { code: 'busy', message: 'The server is closing.' };
  const ends = [running, ...more].map((end) => expect(end).rejects.toMatchObject(closing));
  await pool.close();
  await Promise.all(ends);
  await expect(run(pool, 'c')).rejects.toMatchObject(closing);
  await settle();
  expect(FakeWorker.started.map(({ isTerminated }) => isTerminated)).toEqual([true, true]);
  // No timer is left.
  expect(vi.getTimerCount()).toBe(0);
});

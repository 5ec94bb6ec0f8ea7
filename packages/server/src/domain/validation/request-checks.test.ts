import { expect, it, onTestFinished, vi } from 'vitest';
import { FakeWorker, fakeTime, settle } from '../../test-support/fake-worker.ts';
import { CheckPool } from './check-pool.ts';
import { RequestChecks } from './request-checks.ts';

vi.mock('node:worker_threads', async () => ({
  Worker: (await import('../../test-support/fake-worker.ts')).FakeWorker,
}));

const PATTERN = { source: 'a', flags: 'iu' } as const;
const schemas = (count: number) => Array.from({ length: count }, () => ({ text: '{}', values: ['1'] }));

function startChecks() {
  fakeTime();
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  return new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' });
}

/** Ends the running job after some computing time. */
async function finishAfter(ms: number, result?: unknown): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  FakeWorker.started.at(-1)?.finish(result);
  await settle();
}

/** Whether the running job is stopped at this computing time, and not 20 ms before. */
async function isStoppedAfter(ms: number): Promise<boolean> {
  const worker = FakeWorker.started.at(-1);
  await vi.advanceTimersByTimeAsync(ms - 20);
  const isEarly = worker?.isTerminated === true;
  await vi.advanceTimersByTimeAsync(20);
  return worker?.isTerminated === true && !isEarly;
}

it('pass on jobs and their results', async () => {
  const checks = startChecks();
  const compiled = checks.compile(schemas(2));
  await finishAfter(0, { index: 1, path: '', reason: 'bad' });
  expect(await compiled).toEqual({ isComplete: true, result: { index: 1, path: '', reason: 'bad' } });
  const checked = checks.checkValues(schemas(1));
  await finishAfter(0, [[null]]);
  expect(await checked).toEqual({ isComplete: true, result: [[null]] });
  const analysed = checks.analyse(PATTERN);
  await finishAfter(0, 'safe');
  expect(await analysed).toBe('safe');
  expect(FakeWorker.started.map(({ jobs }) => jobs)).toEqual([
    [
      { kind: 'schema', isNew: true, schemas: schemas(2) },
      { kind: 'schema', isNew: false, schemas: schemas(1) },
      { kind: 'pattern', ...PATTERN },
    ],
  ]);
});

it('share one budget: two seconds, more for each schema, and half a second for each pattern', async () => {
  const checks = startChecks();
  const analysed = checks.analyse(PATTERN);
  await finishAfter(500, 'safe');
  await analysed;
  const compiled = checks.compile(schemas(30));
  await finishAfter(1_000);
  await compiled;
  const checked = checks.checkValues(schemas(20));
  // 2,000 + 500 + 60 + 40 - 500 - 1,000
  expect(await isStoppedAfter(1_100)).toBe(true);
  expect(await checked).toEqual({
    isComplete: false,
    stop: {
      at: { schema: 0, value: 0 },
      reason: 'cannot be checked within the 2600 ms of computing time of a request',
    },
  });
});

it('give one pattern two seconds at most', async () => {
  const checks = startChecks();
  void checks.compile(schemas(100));
  await finishAfter(0);
  const analysed = checks.analyse(PATTERN);
  expect(await isStoppedAfter(2_000)).toBe(true);
  expect(await analysed).toBeUndefined();
});

it('run nothing more after a job was stopped because of its memory', async () => {
  const checks = startChecks();
  const compiled = checks.compile(schemas(1));
  await settle();
  const error = Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
  FakeWorker.started[0]?.emit('error', error);
  expect(await compiled).toMatchObject({
    isComplete: false,
    stop: { reason: 'cannot be checked within the memory of a check' },
  });
  expect(await checks.analyse(PATTERN)).toBeUndefined();
  expect(await checks.compile(schemas(1))).toEqual({
    isComplete: false,
    stop: {
      at: { schema: 0, value: -1 },
      reason: 'cannot be checked within the 2504 ms of computing time of a request',
    },
  });
  expect(FakeWorker.started.map(({ jobs }) => jobs.length)).toEqual([1]);
});

it('run nothing if the budget is used up to the millisecond', async () => {
  const checks = startChecks();
  const checked = checks.checkValues(schemas(1));
  await finishAfter(2_000 + 2 + 2, []);
  expect(await checked).toMatchObject({ isComplete: true });
  expect(await checks.compile(schemas(1))).toMatchObject({ isComplete: false });
  expect(FakeWorker.started[0]?.jobs).toHaveLength(1);
});

import { expect, it, vi } from 'vitest';
import type { CheckJob } from './check-job.ts';
import { CheckPool } from './check-pool.ts';

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  // As Node does if the system has no thread left, or under its permission model.
  Worker: class {
    constructor() {
      throw new Error('no thread');
    }
  },
}));

it('rejects every job, and leaves no rejection unhandled, if no thread can be started', async () => {
  const pool = new CheckPool();
  const job: CheckJob = { kind: 'pattern', source: 'a', flags: 'u' };
  const runs = ['a', 'b', 'c', 'a'].map((clientId) =>
    pool.run({ organizationId: 'o', clientId }, job, 1_000),
  );
  const results = await Promise.allSettled(runs);
  expect(results.map(({ status }) => status)).toEqual(runs.map(() => 'rejected'));
  await pool.close();
});

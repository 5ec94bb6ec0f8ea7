import { expect, it, onTestFinished, vi } from 'vitest';
import { FakeWorker, fakeTime, settle } from '../../test-support/fake-worker.ts';
import type { Pattern } from './check-job.ts';
import { CheckPool } from './check-pool.ts';
import { type PatternCheck, PatternChecker } from './pattern-check.ts';
import { RequestChecks } from './request-checks.ts';

vi.mock('node:worker_threads', async () => ({
  Worker: (await import('../../test-support/fake-worker.ts')).FakeWorker,
}));

const pattern = (source: string): Pattern => ({ source, flags: 'u' });

function startPool(): CheckPool {
  fakeTime();
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  return pool;
}

const checksOf = (pool: CheckPool) =>
  new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' });

/** How many patterns the workers were given. */
const analysed = (): number => FakeWorker.started.reduce((sum, { jobs }) => sum + jobs.length, 0);

/** Prepares patterns, all of which turn out to be safe. */
async function prepareSafe(
  checker: PatternChecker,
  pool: CheckPool,
  patterns: Pattern[],
): Promise<PatternCheck> {
  let check: PatternCheck | undefined;
  const preparing = checker.prepare(patterns, checksOf(pool)).then((prepared) => {
    check = prepared;
  });
  for (let turn = 0; turn <= patterns.length && check === undefined; turn += 1) {
    await settle();
    FakeWorker.started.at(-1)?.finish('safe');
  }
  await preparing;
  if (check === undefined) throw new Error('The patterns were not prepared.');
  return check;
}

it('a pattern that is not analysed in time is refused, and analysed again for the next request', async () => {
  const pool = startPool();
  const checker = new PatternChecker();
  const preparing = checker.prepare([pattern('a'), pattern('b')], checksOf(pool));
  await vi.advanceTimersByTimeAsync(2_000);
  const refused = await preparing;
  // The second one has no budget left.
  expect(analysed()).toBe(1);
  for (const source of ['a', 'b']) expect(refused(source, 'u')).toMatch(/could not be proven safe/);
  const accepted = await prepareSafe(checker, pool, [pattern('a'), pattern('b')]);
  expect(analysed()).toBe(3);
  for (const source of ['a', 'b']) expect(accepted(source, 'u')).toBeUndefined();
});

it('the verdicts on a thousand patterns are kept', async () => {
  const pool = startPool();
  const checker = new PatternChecker();
  const batch = (first: number) => Array.from({ length: 100 }, (_, index) => pattern(`a${first + index}`));
  for (let first = 0; first < 1_000; first += 100) await prepareSafe(checker, pool, batch(first));
  await prepareSafe(checker, pool, batch(0));
  expect(analysed()).toBe(1_000);
  await prepareSafe(checker, pool, [pattern('one more')]);
  await prepareSafe(checker, pool, batch(0));
  expect(analysed()).toBe(1_101);
});

import { expect, it, onTestFinished, vi } from 'vitest';
import { FakeWorker, fakeTime, settle } from '../../test-support/fake-worker.ts';
import { CheckPool } from './check-pool.ts';
import { RequestChecks } from './request-checks.ts';
import { checkSchemaDocument } from './schema-document.ts';

vi.mock('node:worker_threads', async () => ({
  Worker: (await import('../../test-support/fake-worker.ts')).FakeWorker,
}));

const PLACE = 'jsonSchema.properties.secret.properties.two';
const document = {
  type: 'object',
  properties: { secret: { type: 'object', properties: { one: {}, two: {} } } },
};

/** Begins to check the document, whose second key is being compiled. Returns the error in the end. */
async function startCheck(): Promise<{ error: Promise<unknown>; worker: FakeWorker }> {
  fakeTime();
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  const checks = new RequestChecks(pool, { organizationId: 'organization', clientId: 'client' });
  const error = checkSchemaDocument(document, checks).catch((reason: unknown) => reason);
  await settle();
  const [worker] = FakeWorker.started;
  if (worker === undefined) throw new Error('No worker was started.');
  worker.progress.set([1, -1]);
  return { error, worker };
}

it('a document is refused with the place of the key whose schema takes too much time', async () => {
  const { error } = await startCheck();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await error).toMatchObject({
    code: 'invalid',
    message: `Field "${PLACE}" cannot be checked within the 2004 ms of computing time of a request. Simplify it: fewer properties, branches, references or patterns.`,
  });
});

it('a document is refused with the place of the key whose schema takes too much memory', async () => {
  const { error, worker } = await startCheck();
  worker.emit('error', Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }));
  expect(await error).toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(`Field "${PLACE}" cannot be checked within the memory of a check.`),
  });
});

it('a document is refused with the place inside of the key that does not compile', async () => {
  const { error, worker } = await startCheck();
  worker.finish({ index: 1, path: '.not', reason: 'it is odd' });
  expect(await error).toMatchObject({
    code: 'invalid',
    message: `Field "${PLACE}.not" is not a valid JSON Schema: it is odd.`,
  });
});

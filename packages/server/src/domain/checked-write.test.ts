import { expect, it, onTestFinished } from 'vitest';
import { sharedDomain } from '../test-support/domain-fixture.ts';
import { ChangeBus } from './change-bus.ts';
import { ChangeWriter } from './change-writer.ts';
import { runCheckedWrite } from './checked-write.ts';
import { EnvironmentViews } from './environment-views.ts';
import { CheckPool } from './validation/check-pool.ts';
import { RequestChecks } from './validation/request-checks.ts';
import { readSchemaKeys, SchemaKeysCache } from './validation/schema-keys.ts';
import { ValueVerdicts } from './validation/value-verdicts.ts';

const newDomain = sharedDomain();

async function setUp() {
  const { storage, shop } = await newDomain();
  const pool = new CheckPool();
  onTestFinished(() => pool.close());
  const verdicts = new ValueVerdicts(
    new RequestChecks(pool, { organizationId: shop.organization.id, clientId: 'client' }),
  );
  const views = new EnvironmentViews(storage, new SchemaKeysCache());
  const writer = new ChangeWriter({
    storage,
    changes: new ChangeBus(),
    views,
    log: { error: () => undefined },
  });
  const key = readSchemaKeys(shop.schema.jsonSchema).get('supportEmail');
  if (key === undefined) throw new Error('The schema has no such key.');
  const revision = async () => (await storage.findEnvironment(shop.environment.id))?.revision;
  return { verdicts, writer, key, revision, environmentId: shop.environment.id, before: await revision() };
}

it('runs again with the verdicts that the first run asked for, and commits once', async () => {
  const { verdicts, writer, key, revision, environmentId, before } = await setUp();
  const seen: unknown[] = [];
  const result = await runCheckedWrite(writer, {
    verdicts,
    work: async (transaction) => {
      transaction.record(environmentId, []);
      seen.push(verdicts.of(key, 5)?.reason);
      verdicts.requireComplete();
      return 'done';
    },
  });
  expect([result, seen]).toEqual(['done', [undefined, 'must be a string']]);
  expect(await revision()).toBe(Number(before) + 1);
});

it('has the verdicts that are known to be needed made first, so that it runs once', async () => {
  const { verdicts, writer, key } = await setUp();
  verdicts.of(key, 5);
  let runs = 0;
  const work = async () => {
    runs += 1;
    verdicts.requireComplete();
    return verdicts.of(key, 5)?.reason;
  };
  expect(await runCheckedWrite(writer, { verdicts, work })).toBe('must be a string');
  expect(runs).toBe(1);
});

it('is refused if it needs another verdict in each of five runs, and changes nothing', async () => {
  const { verdicts, writer, key, revision, environmentId, before } = await setUp();
  let runs = 0;
  const write = runCheckedWrite(writer, {
    verdicts,
    work: async (transaction) => {
      transaction.record(environmentId, []);
      runs += 1;
      verdicts.of(key, runs);
      verdicts.requireComplete();
    },
  });
  await expect(write).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('keep changing the schema'),
  });
  expect(runs).toBe(5);
  expect(await revision()).toBe(before);
});

it('is not run again after another error', async () => {
  const { verdicts, writer } = await setUp();
  let runs = 0;
  const work = async () => {
    runs += 1;
    throw new Error('the disk is full');
  };
  await expect(runCheckedWrite(writer, { verdicts, work })).rejects.toThrow('the disk is full');
  expect(runs).toBe(1);
});

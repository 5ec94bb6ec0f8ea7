import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { ChangeRecord, Environment, Storage } from '../storage/storage.ts';
import { ChangeBus } from './change-bus.ts';
import { ChangeWriter } from './change-writer.ts';
import { EnvironmentViews } from './environment-views.ts';
import { SchemaKeysCache } from './validation/schema-keys.ts';

async function setUp() {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const environments = [await insertEnvironment(storage), await insertEnvironment(storage)];
  const changes = new ChangeBus();
  const logged: unknown[][] = [];
  const log = { error: (...line: unknown[]) => void logged.push(line) };
  const views = new EnvironmentViews(storage, new SchemaKeysCache());
  const writer = new ChangeWriter({ storage, changes, views, log });
  const [one, two] = environments.map(({ id }) => id);
  return { storage, changes, views, writer, logged, one: String(one), two: String(two) };
}

async function insertEnvironment(storage: Storage): Promise<Environment> {
  const createdAt = new Date().toISOString();
  const organizationId = randomUUID();
  await storage.insertOrganization({ id: organizationId, name: 'test', createdAt });
  const environment: Environment = {
    id: randomUUID(),
    organizationId,
    name: 'development',
    description: null,
    fallbackEnvironmentId: null,
    revision: 5,
    createdAt,
    updatedAt: createdAt,
  };
  await storage.insertEnvironment(environment);
  return environment;
}

it('a listener that throws neither fails the committed write nor keeps the change from others', async () => {
  const { storage, changes, writer, logged, one, two } = await setUp();
  const seen: ChangeRecord[] = [];
  for (const id of [one, two]) {
    changes.subscribe(id, () => {
      throw new Error('sk_hidden');
    });
    changes.subscribe(id, (record) => void seen.push(record));
  }
  const write = writer.run(async (transaction) => {
    transaction.record(one, []);
    transaction.record(two, []);
    return 'stored';
  });
  expect(await write).toBe('stored');
  expect(seen.map(({ environmentId, revision }) => [environmentId, revision])).toEqual([
    [one, 6],
    [two, 6],
  ]);
  expect((await storage.findEnvironment(one))?.revision).toBe(6);
  expect(logged).toHaveLength(2);
  expect(logged[0]).toEqual([{ failure: expect.objectContaining({ type: 'Error' }) }, expect.any(String)]);
  expect(JSON.stringify(logged)).not.toContain('sk_hidden');
  // The next write is not disturbed.
  await writer.run(async (transaction) => transaction.record(one, []));
  expect(seen.at(-1)?.revision).toBe(7);
});

it('a write that fails publishes nothing and changes no revision, and the next one runs', async () => {
  const { storage, changes, writer, one } = await setUp();
  const seen: ChangeRecord[] = [];
  changes.subscribe(one, (record) => void seen.push(record));
  const failed = writer.run(async (transaction) => {
    transaction.record(one, []);
    throw new Error('refused');
  });
  const next = writer.run(async (transaction) => transaction.record(one, []));
  await expect(failed).rejects.toThrow('refused');
  await next;
  expect(seen.map(({ revision }) => revision)).toEqual([6]);
  expect((await storage.findEnvironment(one))?.revision).toBe(6);
});

it('writes run one after another, and each is published before the next begins', async () => {
  const { changes, writer, one } = await setUp();
  const order: string[] = [];
  changes.subscribe(one, ({ revision }) => void order.push(`published ${revision}`));
  await Promise.all(
    [1, 2, 3].map((number) =>
      writer.run(async (transaction) => {
        order.push(`begins ${number}`);
        await Promise.resolve();
        transaction.record(one, []);
        transaction.record(one, [{ segments: {} }]);
      }),
    ),
  );
  expect(order).toEqual(['begins 1', 'published 6', 'begins 2', 'published 7', 'begins 3', 'published 8']);
});

it('an unsubscribed listener gets nothing more', async () => {
  const { changes, writer, one } = await setUp();
  const seen: number[] = [];
  const stop = changes.subscribe(one, ({ revision }) => void seen.push(revision));
  await writer.run(async (transaction) => transaction.record(one, []));
  stop();
  stop();
  await writer.run(async (transaction) => transaction.record(one, []));
  expect(seen).toEqual([6]);
});

it('a write is one revision with all that it recorded, and is kept for streams that resume', async () => {
  const { storage, changes, writer, one, two } = await setUp();
  const seen: ChangeRecord[] = [];
  for (const id of [one, two]) changes.subscribe(id, (record) => void seen.push(record));
  const before = Date.now();
  const now = await writer.run(async (transaction) => {
    transaction.record(one, [{ tier: 'public', key: 'title', value: 'Shop' }]);
    transaction.record('deleted in this write', []);
    transaction.record(one, [{ segments: {} }]);
    transaction.record(two, []);
    return transaction.now;
  });
  const recorded = {
    environmentId: one,
    revision: 6,
    changes: [{ tier: 'public', key: 'title', value: 'Shop' }, { segments: {} }],
    at: now,
  };
  const reload = { environmentId: two, revision: 6, changes: [], at: now, needsReload: true };
  expect(seen).toEqual([recorded, reload]);
  expect(await storage.listChangesSince(one, 5)).toEqual([recorded]);
  expect(Date.parse(now)).toBeGreaterThanOrEqual(before);
  expect(new Date(now).toISOString()).toBe(now);
});

it('only the last 1,000 changes of an environment are kept', async () => {
  const { storage, writer, one } = await setUp();
  await storage.transaction(async (operations) => {
    const environment = await operations.findEnvironment(one);
    if (environment === undefined) throw new Error('The environment is missing.');
    for (let revision = 6; revision < 1_005; revision++)
      await operations.appendChange({ environmentId: one, revision, changes: [], at: environment.createdAt });
    await operations.updateEnvironment({ ...environment, revision: 1_004 });
  });
  const write = (): Promise<void> => writer.run(async (transaction) => transaction.record(one, []));
  await write();
  expect(await storage.listChangesSince(one, 5)).toHaveLength(1_000);
  await write();
  expect(await storage.listChangesSince(one, 5)).toBeUndefined();
  expect(await storage.listChangesSince(one, 6)).toHaveLength(1_000);
});

it('the views in memory get the changes of their own environment, in the same write', async () => {
  const { views, writer, one, two } = await setUp();
  const before = [await views.read(one), await views.read(two)];
  await writer.run(async (transaction) => {
    transaction.record(one, [{ tier: 'public', key: 'title', value: 'One' }]);
    transaction.record(two, [{ tier: 'public', key: 'title', value: 'Two' }]);
  });
  const after = [await views.read(one), await views.read(two)];
  expect(after.map((view) => view?.values.get('title')?.value)).toEqual(['One', 'Two']);
  expect(before.map((view) => view?.values.has('title'))).toEqual([false, false]);
});

it('a view is read again if a write changed more than values, whatever else it records', async () => {
  const { storage, views, writer, one } = await setUp();
  await views.read(one);
  const change = { tier: 'public', key: 'title', value: 'Shop' } as const;
  for (const [name, records] of Object.entries({ first: [[], [change]], last: [[change], []] })) {
    await writer.run(async (transaction) => {
      const environment = await transaction.operations.findEnvironment(one);
      if (environment) await transaction.operations.updateEnvironment({ ...environment, name });
      for (const changes of records) transaction.record(one, changes);
    });
    const revision = String((await storage.findEnvironment(one))?.revision);
    expect(await views.read(one)).toMatchObject({ environment: { name }, revision });
  }
});

it('an environment that is deleted in the write has no view any more', async () => {
  const { views, writer, one, logged } = await setUp();
  await views.read(one);
  await writer.run(async (transaction) => {
    transaction.record(one, [{ tier: 'public', key: 'title', value: 'Shop' }]);
    await transaction.operations.deleteEnvironment(one);
  });
  expect(await views.read(one)).toBeUndefined();
  expect(logged).toEqual([]);
});

import { randomBytes, randomUUID } from 'node:crypto';
import type { Condition, JsonValue } from '@smooai/config';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { logStatements } from '../test-support/statement-log.ts';
import { insertShop, segmentRow, valueRow } from '../test-support/storage-fixtures.ts';
import { ChangeBus } from './change-bus.ts';
import { ChangeWriter } from './change-writer.ts';
import { changedKeys, type EnvironmentView } from './environment-view.ts';
import { EnvironmentViews } from './environment-views.ts';
import { SchemaKeysCache } from './validation/schema-keys.ts';

async function setUp() {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const shop = await insertShop(storage);
  const { id } = shop.environment;
  const views = new EnvironmentViews(storage, new SchemaKeysCache());
  const log = { error: () => undefined };
  const writer = new ChangeWriter({ storage, changes: new ChangeBus(), views, log });
  const read = async (): Promise<EnvironmentView> => {
    const view = await views.read(id);
    if (view === undefined) throw new Error('The environment is missing.');
    return view;
  };
  const set = (key: string, value: JsonValue) =>
    writer.run(async (transaction) => {
      await transaction.operations.upsertValue(valueRow(shop, { key, value, tier: 'feature_flag' }));
      transaction.record(id, [{ tier: 'feature_flag', key, value }]);
    });
  const setSegment = (name: string, condition: Condition) =>
    writer.run(async (transaction) => {
      await transaction.operations.upsertSegment(segmentRow(shop, { name, condition }));
      transaction.record(id, [{ segments: { [name]: condition } }]);
    });
  return { views, writer, id, shop, read, set, setSegment };
}

const inCountry = (country: string): Condition => ({ attribute: 'country', op: 'in', values: [country] });

const using = (segment: string): JsonValue => ({
  $cohort: { rules: [{ id: 'r', when: { segment }, value: true }], defaultValue: false },
});

it('applies a change of values without a read, and shares what did not change', async () => {
  const { read, set } = await setUp();
  await set('one', 1);
  await set('two', { deep: 2 });
  const before = await read();
  await set('one', 3);
  const statements = logStatements();
  const after = await read();
  expect(statements.matching(/./)).toEqual([]);
  expect(after.revision).toBe(String(Number(before.revision) + 1));
  expect([before.evaluate('one', {})?.value, after.evaluate('one', {})?.value]).toEqual([1, 3]);
  expect(after.values.get('two')).toBe(before.values.get('two'));
  expect(changedKeys(before, after)).toEqual(new Set(['one']));
});

it('shares one read among all who wait for the same view', async () => {
  const { read } = await setUp();
  const statements = logStatements();
  const [first, ...others] = await Promise.all(Array.from({ length: 10 }, read));
  for (const view of others) expect(view).toBe(first);
  expect(statements.matching(/"config_values"/)).toHaveLength(1);
});

it('does not keep a view whose read began before a change', async () => {
  const { read, set } = await setUp();
  for (let round = 0; round < 5; round += 1) {
    // In either order: the transactions of the read and of the write wait for each other.
    await Promise.all(round % 2 === 0 ? [read(), set('one', round)] : [set('one', round), read()]);
    expect((await read()).evaluate('one', {})?.value).toBe(round);
  }
});

it('names the keys that use a changed segment, directly or through another one', async () => {
  const { read, set, setSegment, writer, id } = await setUp();
  await setSegment('near', inCountry('NL'));
  await setSegment('region', { not: { segment: 'near' } });
  await set('direct', using('near'));
  await set('indirect', using('region'));
  await set('other', using('far'));
  await set('plain', true);
  const before = await read();
  await setSegment('near', inCountry('BE'));
  const after = await read();
  expect(changedKeys(before, after)).toEqual(new Set(['direct', 'indirect']));
  expect([before, after].map((view) => view.evaluate('direct', { country: 'BE' })?.value)).toEqual([
    false,
    true,
  ]);
  expect(changedKeys(after, after)).toEqual(new Set());
  // A read of everything has other objects with the same values.
  await writer.run(async (transaction) => transaction.record(id, []));
  expect(changedKeys(after, await read())).toEqual(new Set());
});

it('does not name secrets', async () => {
  const { read, writer, id } = await setUp();
  const before = await read();
  const change = { tier: 'secret' as const, key: 'paymentKey', value: 'sk_1' };
  await writer.run(async (transaction) => transaction.record(id, [change]));
  expect(changedKeys(before, await read())).toEqual(new Set());
});

/** Views of a storage whose reads end only when the test lets them. */
async function setUpHeld() {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  const { environment } = await insertShop(storage);
  const releases: (() => void)[] = [];
  const snapshot: Storage['snapshot'] = async (work) => {
    const result = await storage.snapshot(work);
    await new Promise<void>((resolve) => void releases.push(resolve));
    return result;
  };
  const views = new EnvironmentViews({ ...storage, snapshot }, new SchemaKeysCache());
  const heldReads = (count: number) => expect.poll(() => releases.length).toBe(count);
  return { views, id: environment.id, releases, heldReads };
}

it('keeps no view that was read before a change, and does not disturb the read after it', async () => {
  const { views, id, releases, heldReads } = await setUpHeld();
  const early = views.read(id);
  await heldReads(1);
  views.forget(id);
  const later = views.read(id);
  await heldReads(2);
  releases[0]?.();
  const old = await early;
  const shared = views.read(id);
  releases[1]?.();
  const current = await later;
  expect(current).not.toBe(old);
  expect(await shared).toBe(current);
  expect(await views.read(id)).toBe(current);
});

it('looks for an unknown environment each time', async () => {
  const { views, set } = await setUp();
  await set('one', 1);
  expect(await views.read('unknown')).toBeUndefined();
  const statements = logStatements();
  expect(await views.read('unknown')).toBeUndefined();
  expect(statements.matching(/./)).not.toEqual([]);
});

it('knows the id of an environment by its current name, if its view is in memory', async () => {
  const { views, writer, read, id } = await setUp();
  const { name, organizationId } = (await read()).environment;
  expect(views.idOf(organizationId, name)).toBe(id);
  expect([views.idOf('other', name), views.idOf(organizationId, 'other')]).toEqual([undefined, undefined]);
  await writer.run(async (transaction) => {
    const environment = await transaction.operations.findEnvironment(id);
    if (environment === undefined) throw new Error('The environment is missing.');
    await transaction.operations.updateEnvironment({ ...environment, name: 'renamed' });
    transaction.record(id, []);
  });
  expect(views.idOf(organizationId, name)).toBeUndefined();
  await read();
  expect([views.idOf(organizationId, name), views.idOf(organizationId, 'renamed')]).toEqual([undefined, id]);
});

it('gives each environment an epoch of its own, which is new with each start', async () => {
  const { views, id } = await setUp();
  const other = await setUp();
  const [first, again, second] = await Promise.all([views.read(id), views.read(id), other.read()]);
  expect(first?.epoch).toMatch(new RegExp(`.-${id}$`));
  expect(again?.epoch).toBe(first?.epoch);
  expect(second.epoch.split('-')[0]).not.toBe(first?.epoch.split('-')[0]);
});

it('knows the keys of every schema of its organization', async () => {
  const { writer, id, shop, read } = await setUp();
  const group = { type: 'object', properties: {} } as const;
  for (const key of ['one', 'two']) {
    const properties = {
      publicConfigSchema: group,
      secretConfigSchema: group,
      featureFlagSchema: { type: 'object', properties: { [key]: { type: 'boolean' } } },
      limitsSchema: group,
    } as const;
    await writer.run(async (transaction) => {
      const jsonSchema = { type: 'object', properties } as const;
      await transaction.operations.insertSchema({ ...shop.schema, id: randomUUID(), name: key, jsonSchema });
      transaction.record(id, []);
    });
  }
  expect([...(await read()).keys.keys()].sort()).toEqual(['one', 'two']);
});

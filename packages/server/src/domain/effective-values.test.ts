import { randomBytes, randomUUID } from 'node:crypto';
import type { JsonValue, Tier } from '@smooai/config';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import type { Environment, Storage, StoredValue } from '../storage/storage.ts';
import {
  diffEffectiveValues,
  type EffectiveValues,
  fallbackChain,
  readDependents,
  readEffectiveValues,
  toConditions,
} from './effective-values.ts';

const createdAt = new Date().toISOString();
const organizationId = randomUUID();
const schemaId = randomUUID();
const row = { organizationId, createdAt, updatedAt: createdAt, updatedBy: 'test' };

const tier = { type: 'object', properties: {} } as const;
const emptySchema = {
  type: 'object',
  properties: {
    publicConfigSchema: tier,
    secretConfigSchema: tier,
    featureFlagSchema: tier,
    limitsSchema: tier,
  },
} as const;

/** Environments with these names, each with the one before it as its fallback. */
async function storageWith(names: readonly string[]): Promise<{ storage: Storage; chain: Environment[] }> {
  const storage = await openSqliteStorage({ file: ':memory:', encryptionKey: randomBytes(32) });
  onTestFinished(() => storage.close());
  await storage.insertOrganization({ id: organizationId, name: 'test', createdAt });
  await storage.insertSchema({
    ...row,
    id: schemaId,
    name: 'shop',
    description: null,
    currentVersion: 1,
    jsonSchema: emptySchema,
    createdBy: 'test',
  });
  const chain: Environment[] = [];
  for (const name of names) {
    const fallbackEnvironmentId = chain.at(-1)?.id ?? null;
    const ids = { id: name, organizationId, fallbackEnvironmentId };
    chain.push({ ...ids, name, description: null, revision: 1, createdAt, updatedAt: createdAt });
    await storage.insertEnvironment(chain.at(-1) as Environment);
  }
  return { storage, chain };
}

function storedValue(
  environmentId: string,
  key: string,
  value: JsonValue,
  tier: Tier = 'public',
): StoredValue {
  return { ...row, id: randomUUID(), schemaId, environmentId, key, value, tier };
}

async function setSegment(storage: Storage, environmentId: string, name: string, key: string): Promise<void> {
  const condition = { attribute: key, op: 'exists' } as const;
  await storage.upsertSegment({ ...row, environmentId, name, condition, description: null });
}

it('values and segments come from the nearest environment of the chain that has them', async () => {
  const { storage, chain } = await storageWith(['base', 'middle', 'top']);
  const [, , top] = chain as [Environment, Environment, Environment];
  for (const [id, keys] of Object.entries({ base: 'abc', middle: 'bc', top: 'c' })) {
    for (const key of keys) await storage.upsertValue(storedValue(id, key, `${key} of ${id}`));
    for (const name of keys) await setSegment(storage, id, name, id);
  }
  const { values, segments } = await readEffectiveValues(storage, top);
  expect(Object.fromEntries([...values].map(([key, { value }]) => [key, value]))).toEqual({
    a: 'a of base',
    b: 'b of middle',
    c: 'c of top',
  });
  expect(toConditions(segments)).toEqual({
    a: { attribute: 'base', op: 'exists' },
    b: { attribute: 'middle', op: 'exists' },
    c: { attribute: 'top', op: 'exists' },
  });
});

it('a value is seen by the environments that fall back to it, unless one between has its own', async () => {
  const { storage, chain } = await storageWith(['base', 'middle', 'top']);
  const [base, middle] = chain as [Environment, Environment, Environment];
  const viewers = ({ id }: Environment): Promise<string[]> => storage.listViewersOfValue(id, 'key');
  expect(await viewers(base)).toEqual(['base', 'middle', 'top']);
  expect(await viewers(middle)).toEqual(['middle', 'top']);
  await storage.upsertValue(storedValue('middle', 'key', 1));
  expect(await viewers(base)).toEqual(['base']);
  expect(await viewers(middle)).toEqual(['middle', 'top']);
  await storage.upsertValue(storedValue('top', 'key', 1));
  expect(await viewers(middle)).toEqual(['middle']);
});

it('a chain ends after five fallbacks, and at a cycle that the storage should not have', async () => {
  const { storage, chain } = await storageWith(['1', '2', '3', '4', '5', '6', '7']);
  const names = async (from = chain.at(-1) as Environment): Promise<string[]> =>
    (await fallbackChain(storage, from)).map(({ name }) => name);
  expect(await names()).toEqual(['7', '6', '5', '4', '3', '2']);
  await storage.updateEnvironment({ ...(chain[4] as Environment), fallbackEnvironmentId: '7' });
  expect(await names()).toEqual(['7', '6', '5']);
  const dependents = await readDependents(storage, chain[5] as Environment);
  expect(dependents.map(({ name }) => name)).toEqual(['6', '7', '5']);
});

it('a chain ends at a fallback that was deleted', async () => {
  const { storage, chain } = await storageWith(['base', 'middle', 'top']);
  const findEnvironment: Storage['findEnvironment'] = async (id) =>
    id === 'base' ? undefined : storage.findEnvironment(id);
  const found = await fallbackChain({ ...storage, findEnvironment }, chain.at(-1) as Environment);
  expect(found.map(({ name }) => name)).toEqual(['top', 'middle']);
});

it('two views differ by changed values, tiers and segments, and by what is gone', () => {
  const viewOf = (values: StoredValue[], segment?: string): EffectiveValues => ({
    values: new Map(values.map((value) => [value.key, value])),
    segments: new Map(
      segment === undefined
        ? []
        : [
            [
              'vips',
              {
                ...row,
                environmentId: 'e',
                name: 'vips',
                condition: { attribute: segment, op: 'exists' },
                description: null,
              },
            ],
          ],
    ),
  });
  const one = viewOf(
    [storedValue('e', 'a', { x: 1, y: 2 }), storedValue('e', 'b', 2), storedValue('e', 'c', 3)],
    'plan',
  );
  const same = viewOf(
    [storedValue('f', 'c', 3), storedValue('f', 'a', { y: 2, x: 1 }), storedValue('f', 'b', 2)],
    'plan',
  );
  expect(diffEffectiveValues(one, same)).toEqual([]);
  const other = viewOf([
    storedValue('e', 'a', { x: 1 }),
    storedValue('e', 'b', 2, 'secret'),
    storedValue('e', 'd', 4),
  ]);
  expect(diffEffectiveValues(one, other)).toEqual([
    { tier: 'public', key: 'a', value: { x: 1 } },
    { tier: 'secret', key: 'b', value: 2 },
    { tier: 'public', key: 'd', value: 4 },
    { tier: 'public', key: 'c', deleted: true },
    { segments: {} },
  ]);
});

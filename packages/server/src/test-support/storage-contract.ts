import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeRecord, Storage, StorageOperations } from '../storage/storage.ts';
import { UniqueViolationError } from '../storage/storage.ts';
import {
  at,
  authClientRow,
  environmentRow,
  insertShop,
  type Shop,
  schemaRow,
  segmentRow,
  valueRow,
} from './storage-fixtures.ts';

/** The storage of a test and its first rows. */
interface Subject {
  storage: Storage;
  shop: Shop;
}

/**
 * The tests that every {@link Storage} must pass, whatever database it uses.
 *
 * @param open opens a new, empty storage; the suite closes it
 */
export function describeStorageContract(name: string, open: () => Promise<Storage>): void {
  describe(`the storage contract: ${name}`, () => {
    const subject = {} as Subject;
    beforeEach(async () => {
      subject.storage = await open();
      subject.shop = await insertShop(subject.storage);
    });
    afterEach(() => subject.storage.close());

    describe('environments', () => environmentTests(subject));
    describe('schemas', () => schemaTests(subject));
    describe('values', () => valueTests(subject));
    describe('segments', () => segmentTests(subject));
    describe('changes', () => changeTests(subject));
    describe('clients and tokens', () => credentialTests(subject));
    describe('transactions', () => transactionTests(subject));
    describe('lifecycle', () => lifecycleTests(subject));
  });
}

function environmentTests(subject: Subject): void {
  it('returns inserted rows, and undefined for missing ones', async () => {
    const { storage, shop } = subject;
    expect(await storage.listOrganizations()).toEqual([shop.organization]);
    expect(await storage.findOrganization(shop.organization.id)).toEqual(shop.organization);
    expect(await storage.findEnvironment(shop.environment.id)).toEqual(shop.environment);
    expect(await storage.findEnvironmentByName(shop.organization.id, 'development')).toEqual(
      shop.environment,
    );
    expect(await storage.findOrganization('nobody')).toBeUndefined();
    expect(await storage.findEnvironment('nothing')).toBeUndefined();
    expect(await storage.findEnvironmentByName('nobody', 'development')).toBeUndefined();
  });

  it('lists by name and updates the changeable columns', async () => {
    const { storage, shop } = subject;
    const beta = environmentRow(shop.organization, {
      name: 'beta',
      fallbackEnvironmentId: shop.environment.id,
    });
    await storage.insertEnvironment(beta);
    const updated = {
      ...beta,
      name: 'zeta',
      description: 'a “quoted” word',
      revision: 2 ** 40,
      updatedAt: at(5),
    };
    await storage.updateEnvironment({ ...updated, fallbackEnvironmentId: null, createdAt: at(9) });
    expect(await storage.listEnvironments(shop.organization.id)).toEqual([
      shop.environment,
      { ...updated, fallbackEnvironmentId: null },
    ]);
  });

  it('refuses a second environment of the same name, even by renaming', async () => {
    const { storage, shop } = subject;
    const twin = environmentRow(shop.organization, { name: 'development' });
    const error = await storage.insertEnvironment(twin).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UniqueViolationError);
    expect(error).toMatchObject({ field: 'name' });
    await storage.insertEnvironment({ ...twin, name: 'other' });
    await expect(storage.updateEnvironment(twin)).rejects.toBeInstanceOf(UniqueViolationError);
  });

  it('deletes an environment with its values, segments and changes', async () => {
    const { storage, shop } = subject;
    const { environment } = shop;
    await storage.upsertValue(valueRow(shop, {}));
    await storage.upsertSegment(segmentRow(shop, {}));
    await storage.appendChange({ environmentId: environment.id, revision: 1, changes: [], at: at() });
    await storage.deleteEnvironment(environment.id);
    expect(await storage.findEnvironment(environment.id)).toBeUndefined();
    expect(await storage.listValues(environment.id)).toEqual([]);
    expect(await storage.listSegments(environment.id)).toEqual([]);
    expect(await storage.listChangesSince(environment.id, 0)).toBeUndefined();
    expect(await storage.listSchemas(shop.organization.id)).toEqual([shop.schema]);
  });
}

function schemaTests(subject: Subject): void {
  it('finds, lists by name and updates schemas', async () => {
    const { storage, shop } = subject;
    const early = schemaRow(shop.organization, { name: 'basics', description: 'first' });
    await storage.insertSchema(early);
    const pushed = { ...shop.schema, currentVersion: 2, updatedAt: at(1) };
    await storage.updateSchema(pushed, { description: 'more keys', by: 'someone else' });
    await storage.updateSchema({ ...pushed, description: 'described', updatedAt: at(2) });
    const expected = { ...pushed, description: 'described', updatedAt: at(2) };
    expect(await storage.findSchema(shop.schema.id)).toEqual(expected);
    expect(await storage.listSchemas(shop.organization.id)).toEqual([early, expected]);
    expect(await storage.findSchema('nothing')).toBeUndefined();
  });

  it('refuses a second schema of the same name', async () => {
    const { storage, shop } = subject;
    await expect(storage.insertSchema(schemaRow(shop.organization, {}))).rejects.toBeInstanceOf(
      UniqueViolationError,
    );
  });

  it('deletes a schema with its values', async () => {
    const { storage, shop } = subject;
    await storage.upsertValue(valueRow(shop, {}));
    await storage.deleteSchema(shop.schema.id);
    expect(await storage.findSchema(shop.schema.id)).toBeUndefined();
    expect(await storage.listValues(shop.environment.id)).toEqual([]);
  });
}

function valueTests(subject: Subject): void {
  it.each([
    ['a string', 'zero \0, quote \' and " and ☃ 😀'],
    ['a number', -1.5e-7],
    ['true', true],
    ['null', null],
    ['an empty string', ''],
    ['a list', [1, [], { deep: [null] }]],
    ['a targeted value', { $cohort: { rules: [], defaultValue: false } }],
    ['a long string', 'x'.repeat(300_000)],
  ])('stores %s unchanged, public or secret', async (_, value) => {
    const { storage, shop } = subject;
    const open = valueRow(shop, { key: 'open', value });
    const secret = valueRow(shop, { key: 'secret', value, tier: 'secret' });
    expect(await storage.upsertValue(open)).toEqual(open);
    expect(await storage.upsertValue(secret)).toEqual(secret);
    expect(await storage.findValue(shop.environment.id, 'open')).toEqual(open);
    expect(await storage.listValues(shop.environment.id)).toEqual([open, secret]);
    expect(await storage.listSchemaValues(shop.schema.id)).toEqual([open, secret]);
  });

  it('replaces a value, keeping its id and when it was created', async () => {
    const { storage, shop } = subject;
    const first = await storage.upsertValue(valueRow(shop, { value: 1 }));
    const second = valueRow(shop, {
      value: 2,
      tier: 'secret',
      updatedBy: 'other',
      createdAt: at(7),
      updatedAt: at(7),
    });
    const stored = await storage.upsertValue(second);
    expect(stored).toEqual({ ...second, id: first.id, createdAt: first.createdAt });
    expect(await storage.listValues(shop.environment.id)).toEqual([stored]);
  });

  it('lists by key, without the values of fallbacks', async () => {
    const { storage, shop } = subject;
    const { id: fallbackEnvironmentId } = shop.environment;
    const staging = environmentRow(shop.organization, { fallbackEnvironmentId });
    await storage.insertEnvironment(staging);
    for (const key of ['b', 'c', 'a']) await storage.upsertValue(valueRow(shop, { key }));
    await storage.upsertValue(valueRow(shop, { key: 'd', environmentId: staging.id }));
    const keys = async (id: string) => (await storage.listValues(id)).map(({ key }) => key);
    expect(await keys(shop.environment.id)).toEqual(['a', 'b', 'c']);
    expect(await keys(staging.id)).toEqual(['d']);
    expect(await storage.listSchemaValues(shop.schema.id)).toHaveLength(4);
  });

  it('deletes a value and returns whether there was one', async () => {
    const { storage, shop } = subject;
    await storage.upsertValue(valueRow(shop, { key: 'gone' }));
    expect(await storage.deleteValue(shop.environment.id, 'gone')).toBe(true);
    expect(await storage.deleteValue(shop.environment.id, 'gone')).toBe(false);
    expect(await storage.findValue(shop.environment.id, 'gone')).toBeUndefined();
  });
}

function segmentTests(subject: Subject): void {
  it('inserts, replaces, lists by name and deletes', async () => {
    const { storage, shop } = subject;
    const first = segmentRow(shop, {});
    expect(await storage.upsertSegment(first)).toEqual(first);
    const changed = segmentRow(shop, {
      condition: { all: [] },
      description: 'all',
      createdAt: at(3),
      updatedAt: at(3),
    });
    const stored = await storage.upsertSegment(changed);
    expect(stored).toEqual({ ...changed, createdAt: first.createdAt });
    const beta = await storage.upsertSegment(segmentRow(shop, { name: 'beta' }));
    expect(await storage.listSegments(shop.environment.id)).toEqual([beta, stored]);
    expect(await storage.deleteSegment(shop.environment.id, 'beta')).toBe(true);
    expect(await storage.deleteSegment(shop.environment.id, 'beta')).toBe(false);
  });
}

function changeTests(subject: Subject): void {
  async function append(count: number): Promise<ChangeRecord[]> {
    const { storage, shop } = subject;
    const records = Array.from({ length: count }, (_, index): ChangeRecord => {
      const revision = index + 1;
      return {
        environmentId: shop.environment.id,
        revision,
        changes: [
          { tier: 'secret', key: 'paymentKey', value: { text: `s${revision}` } },
          { tier: 'feature_flag', key: 'newCheckout', deleted: true },
          { segments: { insiders: { all: [] } } },
        ],
        at: at(revision),
      };
    });
    for (const record of records) await storage.appendChange(record);
    await storage.updateEnvironment({ ...shop.environment, revision: count });
    return records;
  }

  it('lists the changes after a revision, oldest first', async () => {
    const { storage, shop } = subject;
    const records = await append(12);
    expect(await storage.listChangesSince(shop.environment.id, 0)).toEqual(records);
    expect(await storage.listChangesSince(shop.environment.id, 9)).toEqual(records.slice(9));
    expect(await storage.listChangesSince(shop.environment.id, 12)).toEqual([]);
    expect(await storage.listChangesSince(shop.environment.id, 9, { maxBytes: 10 })).toBeUndefined();
    expect(await storage.listChangesSince(shop.environment.id, 12, { maxBytes: 0 })).toEqual([]);
  });

  it('returns undefined for pruned changes', async () => {
    const { storage, shop } = subject;
    const records = await append(5);
    await storage.pruneChanges(shop.environment.id, 2);
    expect(await storage.listChangesSince(shop.environment.id, 2)).toBeUndefined();
    expect(await storage.listChangesSince(shop.environment.id, 3)).toEqual(records.slice(3));
    await storage.pruneChanges(shop.environment.id, 10);
    expect(await storage.listChangesSince(shop.environment.id, 3)).toEqual(records.slice(3));
    await storage.pruneChanges(shop.environment.id, 0);
    expect(await storage.listChangesSince(shop.environment.id, 4)).toBeUndefined();
    expect(await storage.listChangesSince(shop.environment.id, 5)).toEqual([]);
  });

  it('returns undefined for a future revision', async () => {
    const { storage, shop } = subject;
    await append(2);
    expect(await storage.listChangesSince(shop.environment.id, 3)).toBeUndefined();
    expect(await storage.listChangesSince('nothing', 0)).toBeUndefined();
  });

  it('returns undefined for a revision from before the environment', async () => {
    const { storage, shop } = subject;
    const young = { ...shop.environment, id: `${shop.environment.id}-2`, name: 'young', revision: 100 };
    await storage.insertEnvironment(young);
    expect(await storage.listChangesSince(young.id, 7)).toBeUndefined();
    expect(await storage.listChangesSince(young.id, 100)).toEqual([]);
    const record = { environmentId: young.id, revision: 101, changes: [], at: at(1) };
    await storage.appendChange(record);
    await storage.updateEnvironment({ ...young, revision: 101 });
    expect(await storage.listChangesSince(young.id, 99)).toBeUndefined();
    expect(await storage.listChangesSince(young.id, 100)).toEqual([record]);
  });
}

function credentialTests(subject: Subject): void {
  it('finds clients by id and by hash, lists the oldest first and updates them', async () => {
    const { storage, shop } = subject;
    const young = authClientRow(shop, {
      type: 'b2m',
      allowedOrigins: ['https://shop.test'],
      createdAt: at(2),
    });
    const old = authClientRow(shop, { environments: ['development'], createdAt: at(1) });
    await storage.insertAuthClient(young);
    await storage.insertAuthClient(old);
    const revoked = { ...old, name: 'renamed', environments: null, scopes: [], revokedAt: at(3) };
    await storage.updateAuthClient(revoked);
    expect(await storage.listAuthClients(shop.organization.id)).toEqual([revoked, young]);
    expect(await storage.findAuthClient(old.id)).toEqual(revoked);
    expect(await storage.findAuthClientByCredentialHash(young.credentialHash)).toEqual(young);
    expect(await storage.findAuthClientByCredentialHash('')).toBeUndefined();
    expect(await storage.findAuthClient('nobody')).toBeUndefined();
  });

  it('lists signing keys, newest first', async () => {
    const { storage } = subject;
    const first = { kid: 'a', privateJwk: { kty: 'OKP', d: 'private' }, createdAt: at(1) };
    const second = { ...first, kid: 'b', createdAt: at(2) };
    await storage.insertSigningKey(first);
    await storage.insertSigningKey(second);
    expect(await storage.listSigningKeys()).toEqual([second, first]);
  });

  it('remembers revoked tokens until they expire', async () => {
    const { storage } = subject;
    await storage.insertRevokedToken('short', 1000);
    await storage.insertRevokedToken('long', 5_000_000_000);
    await storage.insertRevokedToken('long', 5_000_000_000);
    expect(await storage.isTokenRevoked('short')).toBe(true);
    await storage.pruneRevokedTokens(1000);
    expect(await storage.isTokenRevoked('short')).toBe(false);
    expect(await storage.isTokenRevoked('long')).toBe(true);
    expect(await storage.isTokenRevoked('other')).toBe(false);
  });
}

function transactionTests(subject: Subject): void {
  const revisionOf = async (operations: StorageOperations): Promise<number> =>
    (await operations.findEnvironment(subject.shop.environment.id))?.revision ?? Number.NaN;

  it('commits everything and returns the result of the work', async () => {
    const { storage, shop } = subject;
    const result = await storage.transaction(async (operations) => {
      await operations.upsertValue(valueRow(shop, { key: 'a' }));
      await operations.upsertValue(valueRow(shop, { key: 'b' }));
      expect(await operations.listValues(shop.environment.id)).toHaveLength(2);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await storage.listValues(shop.environment.id)).toHaveLength(2);
  });

  it('commits nothing if the work throws, and works afterwards', async () => {
    const { storage, shop } = subject;
    const failure = new Error('changed my mind');
    const attempt = storage.transaction(async (operations) => {
      await operations.upsertValue(valueRow(shop, {}));
      await operations.updateSchema({ ...shop.schema, currentVersion: 2 });
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    expect(await storage.listValues(shop.environment.id)).toEqual([]);
    expect(await storage.findSchema(shop.schema.id)).toEqual(shop.schema);
    await storage.upsertValue(valueRow(shop, {}));
    expect(await storage.listValues(shop.environment.id)).toHaveLength(1);
  });

  it('runs transactions as if one after another: no increment is lost', async () => {
    const { storage, shop } = subject;
    const increment = () =>
      storage.transaction(async (operations) => {
        const revision = await revisionOf(operations);
        await new Promise((resolve) => setImmediate(resolve));
        await operations.updateEnvironment({ ...shop.environment, revision: revision + 1 });
      });
    await Promise.all(Array.from({ length: 25 }, increment));
    expect(await revisionOf(storage)).toBe(25);
  });

  it('keeps other calls out of an open transaction', async () => {
    const { storage, shop } = subject;
    const begun = gate();
    const finish = gate();
    const attempt = storage.transaction(async (operations) => {
      await operations.upsertValue(valueRow(shop, { key: 'inside' }));
      begun.open();
      await finish.opened;
      throw new Error('rolled back');
    });
    await begun.opened;
    const outside = storage.upsertValue(valueRow(shop, { key: 'outside' }));
    await new Promise((resolve) => setImmediate(resolve));
    finish.open();
    await expect(attempt).rejects.toThrow('rolled back');
    await outside;
    expect((await storage.listValues(shop.environment.id)).map(({ key }) => key)).toEqual(['outside']);
  });
}

function lifecycleTests(subject: Subject): void {
  it('responds to a ping and can be closed more than once', async () => {
    const { storage } = subject;
    await storage.ping();
    await storage.close();
    await storage.close();
    await expect(storage.ping()).rejects.toThrow();
  });
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

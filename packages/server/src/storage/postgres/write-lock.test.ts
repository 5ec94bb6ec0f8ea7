import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ChangeBus } from '../../domain/change-bus.ts';
import { ConfigService } from '../../domain/config-service.ts';
import { readEffectiveValues } from '../../domain/effective-values.ts';
import { Domain } from '../../test-support/domain-fixture.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../../test-support/postgres.ts';
import { shopDocument } from '../../test-support/shop-server.ts';
import { environmentRow, insertShop, type Shop, schemaRow } from '../../test-support/storage-fixtures.ts';
import type { ChangeRecord, Environment, Storage, WriteScope } from '../storage.ts';
import { StorageError } from '../storage-error.ts';
import { openPostgresStorage } from './postgres-storage.ts';

const encryptionKey = randomBytes(32);
const MAX_MS = 120_000;

describe.skipIf(!hasPostgres)('writers on PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  }, MAX_MS);

  async function openThree(): Promise<[Storage, Storage, Storage]> {
    const url = await postgres.createDatabase();
    const open = (): Promise<Storage> => openPostgresStorage({ url, encryptionKey });
    const storages: [Storage, Storage, Storage] = [await open(), await open(), await open()];
    onTestFinished(async () => {
      await Promise.all(storages.map((storage) => storage.close()));
    });
    return storages;
  }

  /** `development` ← `child` ← `grandchild`, and `other` beside them. */
  async function addTree(storage: Storage, { organization, environment }: Shop) {
    const add = async (name: string, fallback?: Environment): Promise<Environment> => {
      const row = environmentRow(organization, { name, fallbackEnvironmentId: fallback?.id ?? null });
      await storage.insertEnvironment(row);
      return row;
    };
    const child = await add('child', environment);
    return {
      parent: environment,
      child,
      grandchild: await add('grandchild', child),
      other: await add('other'),
    };
  }

  it('do not wait for each other in environments that do not inherit from each other', {
    timeout: MAX_MS,
  }, async () => {
    const [one, two] = await openThree();
    const { child, other } = await addTree(one, await insertShop(one));
    let isDone = false;
    const open = untilDone(() =>
      one.transaction(
        async (operations) => {
          // PostgreSQL would end an idle transaction.
          while (!isDone) await operations.findEnvironment(child.id);
        },
        { valuesOf: [child.id] },
      ),
    );
    const work = (storage: Storage): Promise<unknown> =>
      untilDone(() =>
        storage.transaction((operations) => operations.advanceRevisions([other.id], 10), {
          valuesOf: [other.id],
        }),
      );
    // In another process, and in this one.
    const others = Promise.all([work(two), work(one)]).finally(() => {
      isDone = true;
    });
    await Promise.all([open, others]);
    expect((await one.readRevisions([other.id])).get(other.id)).toBe(2);
  });

  it('wait for each other in environments that inherit from each other: no increment is lost', {
    timeout: MAX_MS,
  }, async () => {
    const storages = await openThree();
    const tree = await addTree(storages[0], await insertShop(storages[0]));
    const { parent, child, grandchild, other } = tree;
    const increment = (storage: Storage, scope?: WriteScope): Promise<void> =>
      untilDone(() =>
        storage.transaction(async (operations) => {
          const found = await operations.findEnvironment(child.id);
          await turn();
          await operations.updateEnvironment({ ...child, revision: (found?.revision ?? Number.NaN) + 1 });
        }, scope),
      );
    const scopes = [[parent], [child], [grandchild], [other, child], [grandchild, other, parent]];
    const writes = scopes.flatMap((environments) =>
      storages.flatMap((storage) => {
        const valuesOf = environments.map(({ id }) => id);
        return [increment(storage, { valuesOf }), increment(storage, { valuesOf: valuesOf.toReversed() })];
      }),
    );
    await Promise.all([...writes, ...storages.map((storage) => increment(storage))]);
    expect((await storages[0].findEnvironment(child.id))?.revision).toBe(33);
  });

  it('keep the changes of every environment in order and complete, in a chain of fallbacks', {
    timeout: MAX_MS,
  }, async () => {
    const [one, two, reader] = await openThree();
    const inserted = await insertShop(one);
    await one.deleteSchema(inserted.schema.id);
    const schema = schemaRow(inserted.organization, { jsonSchema: shopDocument() });
    await one.insertSchema(schema);
    const shop = { ...inserted, schema };
    const tree = await addTree(one, shop);
    const environments = Object.values(tree);
    const domains = [one, two].map((storage) => new Domain(storage, startService(storage), shop));
    let isDone = false;
    const reading = environments.map(({ id }) => readInOrder(reader, id, () => isDone));
    const writing = domains.map(async (domain, index) => {
      for (let round = 0; round < 6; round += 1) {
        await Promise.all(
          environments.map(async (environment) => {
            const email = `${index}-${round}@${environment.name}.test`;
            await untilDone(() => domain.set('supportEmail', email, environment));
            // The other one may have deleted it.
            await removeEmail(domain, environment).catch(() => undefined);
          }),
        );
        const all = environments.map((environment) => domain.write('cartItems', round + 1, environment));
        const writes = index === 0 ? all : all.toReversed();
        await untilDone(() => domain.service.values.set(domain.principal(), writes, () => ''));
      }
    });
    const written = Promise.all(writing).finally(() => {
      isDone = true;
    });
    const [seen] = await Promise.all([Promise.all(reading), written]);
    for (const [index, changes] of seen.entries()) {
      const environment = environments[index] as Environment;
      const { values } = await readEffectiveValues(reader, environment);
      expect([environment.name, replay(changes)]).toEqual([
        environment.name,
        new Map([...values].map(([key, { value }]) => [key, value])),
      ]);
    }
  });
});

/** On a very slow machine, a wait for a lock may take longer than PostgreSQL lets it. Nothing is changed then. */
async function untilDone<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'ERR_STORAGE_UNAVAILABLE')) throw error;
    }
  }
}

function startService(storage: Storage): ConfigService {
  const access = { accessChanged: () => undefined, accessUnknown: () => undefined };
  const log = { error: () => undefined };
  const replica = { access, maxOfflineMs: 600_000 };
  const service = new ConfigService({ storage, changes: new ChangeBus(), log, replica });
  onTestFinished(() => service.close());
  return service;
}

function removeEmail(domain: Domain, { name }: Environment): Promise<void> {
  return domain.service.values.delete(domain.principal(), {
    environment: name,
    key: 'supportEmail',
    force: false,
  });
}

/** Reads the changes of an environment while others write, and once more at the end. */
async function readInOrder(storage: Storage, id: string, isDone: () => boolean): Promise<ChangeRecord[]> {
  const seen: ChangeRecord[] = [];
  for (let isLast = false; ; isLast = isDone()) {
    const revision = seen.at(-1)?.revision ?? 0;
    // Undefined if a change is missing between two revisions.
    const records = await storage.listChangesSince(id, revision);
    expect(records?.map((record) => record.revision)).toEqual(
      records?.map((_, index) => revision + 1 + index),
    );
    expect(records).toBeDefined();
    seen.push(...(records ?? []));
    if (isLast) return seen;
  }
}

/** What a client has that applied the changes. */
function replay(records: readonly ChangeRecord[]): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const change of records.flatMap(({ changes }) => changes)) {
    if (!('key' in change)) continue;
    if ('value' in change) values.set(change.key, change.value);
    else values.delete(change.key);
  }
  return values;
}

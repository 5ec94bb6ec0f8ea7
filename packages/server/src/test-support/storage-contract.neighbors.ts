import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from '../storage/storage.ts';
import {
  at,
  authClientRow,
  environmentRow,
  insertShop,
  type Shop,
  segmentRow,
  valueRow,
} from './storage-fixtures.ts';

/**
 * The tests that every {@link Storage} must pass about rows of two organizations that have the same names.
 *
 * @param open opens a new, empty storage; the suite closes it
 */
export function describeNeighborContract(name: string, open: () => Promise<Storage>): void {
  describe(`two organizations in one storage: ${name}`, () => {
    let storage: Storage;
    let mine: Shop;
    let theirs: Shop;
    beforeEach(async () => {
      storage = await open();
      mine = await insertFullShop(storage);
      theirs = await insertFullShop(storage);
    });
    afterEach(() => storage.close());

    it('each lists its own rows only', async () => {
      for (const shop of [mine, theirs]) {
        const rows = await rowsOf(storage, shop);
        expect(rows.byName).toEqual({ ...shop.environment, revision: 3 });
        expect(rows.environments).toEqual([rows.byName]);
        expect(rows.schemas).toEqual([shop.schema]);
        expect(rows.value).toEqual(rows.values[0]);
        for (const list of [rows.values, rows.schemaValues, rows.segments, rows.clients]) {
          expect(list.map(({ organizationId }) => organizationId)).toEqual([shop.organization.id]);
        }
        expect(rows.changes?.map(({ environmentId, revision }) => [environmentId, revision])).toEqual(
          [1, 2, 3].map((revision) => [shop.environment.id, revision]),
        );
      }
    });

    it('no write to one changes a row of the other', async () => {
      const before = await rowsOf(storage, theirs);
      const { id } = mine.environment;
      const [client] = await storage.listAuthClients(mine.organization.id);
      if (client === undefined) throw new Error('The client is missing.');
      const writes: (() => Promise<unknown>)[] = [
        () => storage.updateEnvironment({ ...mine.environment, revision: 3, name: 'renamed' }),
        () => storage.advanceRevisions([id], 1),
        () => storage.appendChange({ environmentId: id, revision: 4, changes: [], at: at(4) }),
        () => storage.pruneChanges(id, 1),
        () => storage.upsertValue(valueRow(mine, { value: 'changed', updatedBy: 'me' })),
        () => storage.deleteValue(id, 'apiBaseUrl'),
        () => storage.upsertSegment(segmentRow(mine, { condition: { all: [] } })),
        () => storage.deleteSegment(id, 'insiders'),
        () => storage.updateSchema({ ...mine.schema, currentVersion: 2, name: 'renamed' }),
        () => storage.updateAuthClient({ ...client, revokedAt: at(9), scopes: [] }),
        () => storage.deleteSchema(mine.schema.id),
        () => storage.deleteEnvironment(id),
      ];
      for (const write of writes) {
        await write();
        expect(await rowsOf(storage, theirs), String(write)).toEqual(before);
      }
    });

    it('the changes of one do not count for the other', async () => {
      const { id } = mine.environment;
      const changes = [{ tier: 'public', key: 'apiBaseUrl', value: 'x'.repeat(10_000) } as const];
      await storage.appendChange({ environmentId: theirs.environment.id, revision: 4, changes, at: at(4) });
      expect(await storage.listChangesSince(id, 0, { maxBytes: 1_000 })).toHaveLength(3);
    });

    it('an environment of one cannot inherit from the other, nor hide what others inherit', async () => {
      const { id } = mine.environment;
      const fallback = { fallbackEnvironmentId: id };
      const child = environmentRow(mine.organization, { name: 'child', ...fallback });
      await storage.insertEnvironment(child);
      await storage.insertEnvironment(environmentRow(theirs.organization, { name: 'child', ...fallback }));
      const viewers = await storage.listViewersOfValue(id, 'apiBaseUrl');
      expect(viewers.toSorted()).toEqual([id, child.id].toSorted());
    });

    it('changes that are too old are not listed, even while they are stored', async () => {
      const { id } = mine.environment;
      for (const revision of [4, 5, 6]) {
        expect(await storage.advanceRevisions([id], 2)).toEqual(new Map([[id, revision]]));
        await storage.appendChange({ environmentId: id, revision, changes: [], at: at(revision) });
      }
      expect(await storage.listChangesSince(id, 3)).toBeUndefined();
      expect(await storage.listChangesSince(id, 4)).toHaveLength(2);
    });

    it('a value that is replaced has its new writer and tier', async () => {
      const fields = { value: 'secret', tier: 'secret', updatedBy: 'me', updatedAt: at(7) } as const;
      await storage.upsertValue(valueRow(mine, fields));
      expect(await storage.findValue(mine.environment.id, 'apiBaseUrl')).toMatchObject(fields);
    });
  });
}

/** A shop with one row of each kind, and three changes. */
async function insertFullShop(storage: Storage): Promise<Shop> {
  const shop = await insertShop(storage);
  const { id } = shop.environment;
  await storage.upsertValue(valueRow(shop, {}));
  await storage.upsertSegment(segmentRow(shop, {}));
  await storage.insertAuthClient(authClientRow(shop, {}));
  for (const revision of [1, 2, 3]) {
    await storage.appendChange({ environmentId: id, revision, changes: [], at: at(revision) });
  }
  await storage.updateEnvironment({ ...shop.environment, revision: 3 });
  return shop;
}

/** Every row of a shop. */
async function rowsOf(storage: Storage, { organization, environment, schema }: Shop) {
  return {
    byName: await storage.findEnvironmentByName(organization.id, environment.name),
    environments: await storage.listEnvironments(organization.id),
    schemas: await storage.listSchemas(organization.id),
    values: await storage.listValues(environment.id),
    value: await storage.findValue(environment.id, 'apiBaseUrl'),
    schemaValues: await storage.listSchemaValues(schema.id),
    segments: await storage.listSegments(environment.id),
    changes: await storage.listChangesSince(environment.id, 0),
    clients: await storage.listAuthClients(organization.id),
  };
}

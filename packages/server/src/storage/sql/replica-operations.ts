import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { StorageOperations } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<
  StorageOperations,
  | 'readEpoch'
  | 'renewEpoch'
  | 'readRevisions'
  | 'recordAccessChange'
  | 'readAccessRevision'
  | 'listAccessChangesSince'
>;

const KEPT_ACCESS_CHANGES = 1_000;
const EPOCH = 'epoch';

/** What processes with the same database must know of each other's writes. */
export function replicaOperations(session: Session): Operations {
  return {
    readEpoch: async () => {
      if (session.epoch !== undefined) return session.epoch.value;
      const row = await session.db
        .selectFrom('facts')
        .select('value')
        .where('name', '=', EPOCH)
        .executeTakeFirst();
      if (row === undefined) throw new Error('The database has no epoch.');
      return row.value;
    },
    async renewEpoch(epoch) {
      if (session.epoch !== undefined) {
        if (session.epoch.value === epoch) session.epoch.value = newEpoch();
        return;
      }
      await session.atomically(async (db, announce) => {
        const query = db.updateTable('facts').set({ value: newEpoch() }).where('name', '=', EPOCH);
        const { numUpdatedRows } = await query.where('value', '=', epoch).executeTakeFirst();
        if (numUpdatedRows > 0n) announce('anything');
      });
    },
    async readRevisions(environmentIds) {
      if (environmentIds.length === 0) return new Map();
      const query = session.db.selectFrom('environments').select(['id', 'revision']);
      const rows = await query.where('id', 'in', [...environmentIds]).execute();
      return new Map(rows.map(({ id, revision }) => [id, revision]));
    },

    recordAccessChange: ({ kind, id, mayDoLess }) =>
      session.atomically(async (db, announce) => {
        const revision = (await newestAccessRevision(db)) + 1;
        const row = { revision, kind, id, mayDoLess: mayDoLess ? 1 : 0 };
        await db.insertInto('accessChanges').values(row).execute();
        await db
          .deleteFrom('accessChanges')
          .where('revision', '<=', revision - KEPT_ACCESS_CHANGES)
          .execute();
        announce('anything');
      }),
    readAccessRevision: () => newestAccessRevision(session.db),
    async listAccessChangesSince(revision) {
      const query = session.db.selectFrom('accessChanges').selectAll();
      const rows = await query.where('revision', '>', revision).orderBy('revision').execute();
      if (rows[0] !== undefined && rows[0].revision !== revision + 1) return undefined;
      return rows.map((row) => ({ ...row, mayDoLess: row.mayDoLess === 1 }));
    },
  };
}

async function newestAccessRevision(db: Kysely<Tables>): Promise<number> {
  const query = db.selectFrom('accessChanges').select((builder) => builder.fn.max('revision').as('revision'));
  return (await query.executeTakeFirst())?.revision ?? 0;
}

/** A name that no other epoch has. */
export function newEpoch(): string {
  return randomBytes(6).toString('hex');
}

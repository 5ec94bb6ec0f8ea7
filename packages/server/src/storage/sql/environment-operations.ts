import { sql } from 'kysely';
import type { Environment, StorageOperations } from '../storage.ts';
import type { Session } from './tables.ts';

type Operations = Pick<
  StorageOperations,
  | 'insertOrganization'
  | 'findOrganization'
  | 'listOrganizations'
  | 'insertEnvironment'
  | 'updateEnvironment'
  | 'advanceRevisions'
  | 'deleteEnvironment'
  | 'findEnvironment'
  | 'findEnvironmentByName'
  | 'listEnvironments'
>;

const COLUMNS = [
  'id',
  'organizationId',
  'name',
  'description',
  'fallbackEnvironmentId',
  'revision',
  'createdAt',
  'updatedAt',
] as const;

/** Organizations and their environments. */
export function environmentOperations(session: Session): Operations {
  return {
    async insertOrganization({ id, name, createdAt }) {
      await session.db.insertInto('organizations').values({ id, name, createdAt }).execute();
    },
    findOrganization: async (id) =>
      session.db.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst(),
    listOrganizations: async () =>
      session.db.selectFrom('organizations').selectAll().orderBy('createdAt').orderBy('id').execute(),

    async insertEnvironment(environment) {
      const row = { ...changeableColumns(environment), ...fixedColumns(environment), prunedRevision: 0 };
      await session.db.insertInto('environments').values(row).execute();
    },
    async updateEnvironment(environment) {
      const columns = changeableColumns(environment);
      await session.db.updateTable('environments').set(columns).where('id', '=', environment.id).execute();
    },
    async advanceRevisions(environmentIds, keep) {
      if (environmentIds.length === 0) return new Map();
      const pruned = sql<number>`revision + 1 - ${sql.lit(keep)}`;
      const rows = await session.db
        .updateTable('environments')
        .set({
          revision: sql<number>`revision + 1`,
          prunedRevision: sql<number>`case when pruned_revision < ${pruned} then ${pruned} else pruned_revision end`,
        })
        .where('id', 'in', [...environmentIds])
        .returning(['id', 'revision'])
        .execute();
      return new Map(rows.map(({ id, revision }) => [id, revision]));
    },
    deleteEnvironment: (id) =>
      session.atomically(async (db, announce) => {
        await db.deleteFrom('environments').where('id', '=', id).execute();
        announce('anything');
      }),
    findEnvironment: async (id) =>
      session.db.selectFrom('environments').select(COLUMNS).where('id', '=', id).executeTakeFirst(),
    async findEnvironmentByName(organizationId, name) {
      const query = session.db.selectFrom('environments').select(COLUMNS);
      return query.where('organizationId', '=', organizationId).where('name', '=', name).executeTakeFirst();
    },
    async listEnvironments(organizationId) {
      const query = session.db.selectFrom('environments').select(COLUMNS);
      return query.where('organizationId', '=', organizationId).orderBy('name').execute();
    },
  };
}

function fixedColumns({ id, organizationId, createdAt }: Environment) {
  return { id, organizationId, createdAt };
}

function changeableColumns(environment: Environment) {
  const { name, description, fallbackEnvironmentId, revision, updatedAt } = environment;
  return { name, description, fallbackEnvironmentId, revision, updatedAt };
}

import type { Selectable } from 'kysely';
import type { StorageOperations, StoredSegment } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<StorageOperations, 'upsertSegment' | 'deleteSegment' | 'listSegments'>;

/** Segments, the named conditions of an environment. */
export function segmentOperations(session: Session): Operations {
  return {
    async upsertSegment(segment) {
      const { organizationId, environmentId, name, description, updatedBy, createdAt, updatedAt } = segment;
      const changeable = { condition: JSON.stringify(segment.condition), description, updatedBy, updatedAt };
      const row = await session.db
        .insertInto('segments')
        .values({ organizationId, environmentId, name, createdAt, ...changeable })
        .onConflict((conflict) => conflict.columns(['environmentId', 'name']).doUpdateSet(changeable))
        .returningAll()
        .executeTakeFirstOrThrow();
      return toSegment(row);
    },
    async deleteSegment(environmentId, name) {
      const query = session.db.deleteFrom('segments').where('environmentId', '=', environmentId);
      const { numDeletedRows } = await query.where('name', '=', name).executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async listSegments(environmentId) {
      const query = session.db.selectFrom('segments').selectAll();
      const rows = await query.where('environmentId', '=', environmentId).orderBy('name').execute();
      return rows.map(toSegment);
    },
  };
}

function toSegment(row: Selectable<Tables['segments']>): StoredSegment {
  return { ...row, condition: JSON.parse(row.condition) };
}

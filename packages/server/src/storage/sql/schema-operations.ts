import type { Selectable } from 'kysely';
import type { StorageOperations, StoredSchema } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<
  StorageOperations,
  | 'insertSchema'
  | 'updateSchema'
  | 'deleteSchema'
  | 'findSchema'
  | 'findSchemaVersion'
  | 'findSchemaWriter'
  | 'listSchemas'
>;

/** Schemas and the history of their versions. */
export function schemaOperations(session: Session): Operations {
  return {
    insertSchema: (schema) =>
      session.atomically(async (db) => {
        const { id, organizationId, createdBy, createdAt } = schema;
        const row = { id, organizationId, createdBy, createdAt, ...changeableColumns(schema) };
        await db.insertInto('schemas').values(row).execute();
        await db
          .insertInto('schemaVersions')
          .values(versionColumns(schema, { description: null, by: createdBy }))
          .execute();
      }),

    updateSchema: (schema, change) =>
      session.atomically(async (db) => {
        const updated = await db
          .updateTable('schemas')
          .set(changeableColumns(schema))
          .where('id', '=', schema.id)
          .executeTakeFirst();
        if (updated.numUpdatedRows === 0n) return;
        await db
          .insertInto('schemaVersions')
          .values(versionColumns(schema, change ?? { description: null, by: schema.createdBy }))
          // A new name or description alone does not create a version.
          .onConflict((conflict) => conflict.columns(['schemaId', 'version']).doNothing())
          .execute();
      }),

    async deleteSchema(id) {
      await session.db.deleteFrom('schemas').where('id', '=', id).execute();
    },
    async findSchema(id) {
      const row = await session.db.selectFrom('schemas').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toSchema(row);
    },
    findSchemaVersion: async (id) => {
      const query = session.db.selectFrom('schemas').where('id', '=', id);
      return query.select(['id', 'organizationId', 'name', 'currentVersion']).executeTakeFirst();
    },
    async findSchemaWriter({ id, currentVersion, updatedAt }) {
      const query = session.db.selectFrom('schemaVersions').where('schemaId', '=', id);
      const version = query.where('version', '=', currentVersion).where('createdAt', '=', updatedAt);
      return (await version.select('createdBy').executeTakeFirst())?.createdBy;
    },
    async listSchemas(organizationId) {
      const query = session.db.selectFrom('schemas').selectAll();
      const rows = await query.where('organizationId', '=', organizationId).orderBy('name').execute();
      return rows.map(toSchema);
    },
  };
}

function changeableColumns({ name, description, currentVersion, jsonSchema, updatedAt }: StoredSchema) {
  return { name, description, currentVersion, jsonSchema: JSON.stringify(jsonSchema), updatedAt };
}

function versionColumns(schema: StoredSchema, change: { description: string | null; by: string }) {
  return {
    schemaId: schema.id,
    version: schema.currentVersion,
    jsonSchema: JSON.stringify(schema.jsonSchema),
    changeDescription: change.description,
    createdBy: change.by,
    createdAt: schema.updatedAt,
  };
}

function toSchema(row: Selectable<Tables['schemas']>): StoredSchema {
  return { ...row, jsonSchema: JSON.parse(row.jsonSchema) };
}

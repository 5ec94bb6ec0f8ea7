import { type Selectable, sql } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import type { StorageOperations, StoredValue } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<
  StorageOperations,
  | 'upsertValue'
  | 'deleteValue'
  | 'findValue'
  | 'findValueById'
  | 'listViewersOfValue'
  | 'listValues'
  | 'listSchemaValues'
  | 'versionOf'
  | 'fingerprint'
>;

/** Values; secrets are sealed for their organization, environment and key. */
export function valueOperations(session: Session): Operations {
  const { box } = session;
  return {
    async upsertValue(value) {
      const row = await session.db
        .insertInto('configValues')
        .values(toRow(value, box))
        .onConflict((conflict) =>
          conflict.columns(['environmentId', 'key']).doUpdateSet((excluded) => ({
            schemaId: excluded.ref('excluded.schemaId'),
            value: excluded.ref('excluded.value'),
            tier: excluded.ref('excluded.tier'),
            updatedBy: excluded.ref('excluded.updatedBy'),
            updatedAt: excluded.ref('excluded.updatedAt'),
          })),
        )
        .returningAll()
        .executeTakeFirstOrThrow();
      return toValue(row, box);
    },
    async deleteValue(environmentId, key) {
      const query = session.db.deleteFrom('configValues').where('environmentId', '=', environmentId);
      const { numDeletedRows } = await query.where('key', '=', key).executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async findValue(environmentId, key) {
      const query = session.db.selectFrom('configValues').selectAll();
      const row = await query
        .where('environmentId', '=', environmentId)
        .where('key', '=', key)
        .executeTakeFirst();
      return row && toValue(row, box);
    },
    async findValueById(id) {
      const query = session.db.selectFrom('configValues').selectAll().where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row && toValue(row, box);
    },
    async listViewersOfValue(environmentId, key) {
      const { rows } = await sql<{ id: string }>`
        with recursive viewers (id, organization_id) as (
          select id, organization_id from environments where id = ${environmentId}
          union
          select child.id, child.organization_id from viewers
          join environments child on child.organization_id = viewers.organization_id
            and child.fallback_environment_id = viewers.id
          where not exists (
            select 1 from config_values own where own.environment_id = child.id and own.key = ${key}
          )
        )
        select id from viewers`.execute(session.db);
      return rows.map(({ id }) => id);
    },
    async listValues(environmentId) {
      const query = session.db.selectFrom('configValues').selectAll();
      const rows = await query.where('environmentId', '=', environmentId).orderBy('key').execute();
      return rows.map((row) => toValue(row, box));
    },
    async listSchemaValues(schemaId) {
      const query = session.db.selectFrom('configValues').selectAll().where('schemaId', '=', schemaId);
      const rows = await query.orderBy('environmentId').orderBy('key').execute();
      return rows.map((row) => toValue(row, box));
    },
    versionOf: ({ tier, key, value }) => box.fingerprint(JSON.stringify([tier, key, value])),
    fingerprint: (content) => box.fingerprint(JSON.stringify(content)),
  };
}

function toRow(value: StoredValue, box: SecretBox): Tables['configValues'] {
  const json = JSON.stringify(value.value);
  return {
    id: value.id,
    organizationId: value.organizationId,
    schemaId: value.schemaId,
    environmentId: value.environmentId,
    key: value.key,
    value: value.tier === 'secret' ? box.seal(json, bindingOf(value)) : json,
    tier: value.tier,
    updatedBy: value.updatedBy,
    createdAt: value.createdAt,
    updatedAt: value.updatedAt,
  };
}

function toValue(row: Selectable<Tables['configValues']>, box: SecretBox): StoredValue {
  const json = row.tier === 'secret' ? box.open(row.value, bindingOf(row)) : row.value;
  return { ...row, value: JSON.parse(json) };
}

function bindingOf(row: { organizationId: string; environmentId: string; key: string }): string[] {
  return ['value', row.organizationId, row.environmentId, row.key];
}

import type { JsonValue, RulesetChange, Tier } from '@smooai/config';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import type { ChangeRecord, StorageOperations } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<StorageOperations, 'appendChange' | 'listChangesSince' | 'pruneChanges'>;

/** A change as it is stored: the value of a secret is sealed. */
type StoredChange = RulesetChange | { tier: Tier; key: string; sealed: string };

/**
 * The changes of one revision are not kept if they are longer than this as JSON, in bytes: a reader takes
 * the whole environment instead, and the row of an export stays within its limit.
 */
export const MAX_CHANGE_BYTES: number = 16 * 1024 * 1024;

type ChangeRow = Selectable<Tables['changes']>;

/** A change, or nulls if there is none, with what is known of its environment. */
type MissedRow = { newest: number; prunedRevision: number; bytes: number | string } & (
  | ChangeRow
  | { [Column in keyof ChangeRow]: null }
);

function isChange(row: MissedRow): row is MissedRow & ChangeRow {
  return row.revision !== null;
}

/** The change log of the environments. */
export function changeOperations(session: Session): Operations {
  const { box } = session;
  return {
    appendChange: (record) =>
      session.atomically(async (db, announce) => {
        const { environmentId, revision, at } = record;
        const changes = storedText(record, box);
        const needsReload = record.needsReload ? 1 : 0;
        if (changes === undefined) await forgetUntil(db, environmentId, revision);
        else {
          await db
            .insertInto('changes')
            .values({ environmentId, revision, changes, at, needsReload })
            .execute();
        }
        announce({ environmentId, revision });
      }),

    async listChangesSince(environmentId, revision, { maxBytes = Number.MAX_SAFE_INTEGER } = {}) {
      // One statement, so that it sees one state without a transaction. The database knows the length of a text without
      // reading it.
      const { rows } = await sql<MissedRow>`
        with missed as (
          select coalesce(sum(octet_length(changes)), 0) as bytes
          from changes where environment_id = ${environmentId} and revision > ${revision}
        )
        select environments.revision as newest, environments.pruned_revision, missed.bytes, kept.*
        from environments cross join missed
        left join changes kept on kept.environment_id = environments.id
          and kept.revision > ${revision} and missed.bytes <= ${maxBytes}
        where environments.id = ${environmentId}
        order by kept.revision`.execute(session.db);
      const [first] = rows;
      if (first === undefined || revision < first.prunedRevision || Number(first.bytes) > maxBytes)
        return undefined;
      const records = rows.filter(isChange).map((row) => toRecord(row, box));
      // Every revision has a change. A gap means that changes were pruned, or that the revision belongs to a deleted
      // environment of the same name. A future revision comes from a client of a database that was since restored.
      if ((records[0]?.revision ?? first.newest + 1) !== revision + 1) return undefined;
      return records;
    },

    pruneChanges: (environmentId, keep) => session.atomically((db) => prune(db, environmentId, keep)),
  };
}

async function prune(db: Kysely<Tables>, environmentId: string, keep: number): Promise<void> {
  const newest = await db
    .selectFrom('changes')
    .select('revision')
    .where('environmentId', '=', environmentId)
    .orderBy('revision', 'desc')
    .offset(keep)
    .limit(1)
    .executeTakeFirst();
  if (newest) await forgetUntil(db, environmentId, newest.revision);
}

async function forgetUntil(db: Kysely<Tables>, environmentId: string, revision: number): Promise<void> {
  await db
    .deleteFrom('changes')
    .where('environmentId', '=', environmentId)
    .where('revision', '<=', revision)
    .execute();
  await db
    .updateTable('environments')
    .set({ prunedRevision: revision })
    .where('id', '=', environmentId)
    .execute();
}

/** Undefined for more than {@link MAX_CHANGE_BYTES}: a new fallback may change every value of an environment. */
function storedText(record: ChangeRecord, box: SecretBox): string | undefined {
  const texts: string[] = [];
  // The brackets; each text has a comma.
  let bytes = 1;
  for (const change of record.changes) {
    const text = JSON.stringify(seal(change, record, box));
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_CHANGE_BYTES) return undefined;
    texts.push(text);
  }
  return `[${texts.join(',')}]`;
}

function toRecord(row: ChangeRow, box: SecretBox): ChangeRecord {
  const { environmentId, revision, at, needsReload } = row;
  const changes: StoredChange[] = JSON.parse(row.changes);
  return {
    environmentId,
    revision,
    changes: changes.map((change) => open(change, row, box)),
    at,
    ...(needsReload === 1 ? { needsReload: true } : {}),
  };
}

type Place = Pick<ChangeRecord, 'environmentId' | 'revision'>;

function seal(change: RulesetChange, place: Place, box: SecretBox): StoredChange {
  if (!('value' in change) || change.tier !== 'secret') return change;
  const { tier, key, value } = change;
  return { tier, key, sealed: box.seal(JSON.stringify(value), bindingOf(place, key)) };
}

function open(change: StoredChange, place: Place, box: SecretBox): RulesetChange {
  if (!('sealed' in change)) return change;
  const { tier, key, sealed } = change;
  const value: JsonValue = JSON.parse(box.open(sealed, bindingOf(place, key)));
  return { tier, key, value };
}

function bindingOf({ environmentId, revision }: Place, key: string): string[] {
  return ['change', environmentId, String(revision), key];
}

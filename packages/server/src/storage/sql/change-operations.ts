import type { JsonValue, RulesetChange, Tier } from '@smooai/config';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { SecretBox } from '../encryption.ts';
import type { ChangeRecord, StorageOperations } from '../storage.ts';
import type { Session, Tables } from './tables.ts';

type Operations = Pick<StorageOperations, 'appendChange' | 'listChangesSince' | 'pruneChanges'>;

/** A change as it is stored: the value of a secret is sealed. */
type StoredChange = RulesetChange | { tier: Tier; key: string; sealed: string };

/** The change log of the environments. */
export function changeOperations(session: Session): Operations {
  const { box } = session;
  return {
    appendChange: (record) =>
      session.atomically(async (db) => {
        const { environmentId, revision, at } = record;
        const changes = JSON.stringify(record.changes.map((change) => seal(change, record, box)));
        const needsReload = record.needsReload ? 1 : 0;
        await db
          .insertInto('changes')
          .values({ environmentId, revision, changes, at, needsReload })
          .execute();
        await session.announce?.(db, { environmentId, revision });
      }),

    listChangesSince: (environmentId, revision, { maxBytes = Number.POSITIVE_INFINITY } = {}) =>
      session.atomically(async (db) => {
        const environment = await db
          .selectFrom('environments')
          .select(['revision', 'prunedRevision'])
          .where('id', '=', environmentId)
          .executeTakeFirst();
        if (!environment || revision < environment.prunedRevision) return undefined;
        const missed = db
          .selectFrom('changes')
          .where('environmentId', '=', environmentId)
          .where('revision', '>', revision);
        // The database knows the length of a text without reading it.
        const { bytes } = await missed
          .select(sql<number | null>`sum(octet_length(changes))`.as('bytes'))
          .executeTakeFirstOrThrow();
        if (Number(bytes ?? 0) > maxBytes) return undefined;
        const rows = await missed.selectAll().orderBy('revision').execute();
        // Every revision has a change. A gap means that changes were pruned, or that the revision belongs to a deleted
        // environment of the same name. A future revision comes from a client of a database that was since restored.
        if ((rows[0]?.revision ?? environment.revision + 1) !== revision + 1) return undefined;
        return rows.map((row) => toRecord(row, box));
      }),

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
  if (!newest) return;
  const { revision } = newest;
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

function toRecord({ needsReload, ...row }: Selectable<Tables['changes']>, box: SecretBox): ChangeRecord {
  const changes: StoredChange[] = JSON.parse(row.changes);
  return {
    ...row,
    changes: changes.map((change) => open(change, row, box)),
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

import { type Kysely, sql } from 'kysely';
import type { Tables } from '../sql/tables.ts';

/** The key of the advisory locks: "SmCf". */
const WRITE_LOCK = 0x536d4366;

/**
 * Waits for every writer before, in this process or another; the end of the transaction releases the lock. Each statement
 * after it sees everything that was committed before, since the isolation level is READ COMMITTED. With SERIALIZABLE, the
 * state would be the one before the wait.
 */
export const TAKE_WRITE_LOCK: string = `select pg_advisory_xact_lock(${WRITE_LOCK}::bigint)`;

/** See {@link TAKE_WRITE_LOCK}. */
export async function takeWriteLock(transaction: Kysely<Tables>): Promise<void> {
  await sql.raw(TAKE_WRITE_LOCK).execute(transaction);
}

/** What a transaction runs first that uses {@link lockTrees}: it waits for those that hold the whole write lock. */
export const TAKE_SHARED_LOCK: string = `select pg_advisory_xact_lock_shared(${WRITE_LOCK}::bigint)`;

/**
 * Waits for every writer before in the same trees of environments; it needs the shared lock. A tree is what environments
 * inherit from each other: a write in one changes what others see, and what they see says which of them it changes. So a
 * lock of each environment alone would not do. Trees cannot change meanwhile, which takes the whole lock. The keys are
 * sorted, so that two writers never wait for each other.
 */
export async function lockTrees(
  transaction: Kysely<Tables>,
  environmentIds: readonly string[],
): Promise<void> {
  await sql`
    with recursive ancestors (id, fallback_environment_id) as (
      select id, fallback_environment_id from environments where id in (${sql.join([...environmentIds])})
      union
      select parent.id, parent.fallback_environment_id from environments parent
      join ancestors on parent.id = ancestors.fallback_environment_id
    )
    select pg_advisory_xact_lock(${sql.lit(WRITE_LOCK)}, roots.key) from (
      select distinct hashtext(id) as key from ancestors where fallback_environment_id is null order by key
    ) as roots`.execute(transaction);
}

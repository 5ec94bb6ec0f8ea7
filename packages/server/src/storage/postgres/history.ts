import type pg from 'pg';
import { errorCode } from '../../lib/error-code.ts';
import { newEpoch } from '../sql/replica-operations.ts';
import { TAKE_WRITE_LOCK } from './write-lock.ts';

/**
 * Identifies a database and its past: the cluster, its timeline, which a failover and a recovery to a point in time
 * raise, and the table, which a restored dump creates again.
 */
const HISTORY = `select (select system_identifier from pg_control_system()) || '/' ||
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '/' || 'facts'::regclass::oid as history`;
/** For a user that may not call those functions. */
const TABLE_ONLY = "select 'facts'::regclass::oid::text as history";
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Begins a new epoch if the database was restored, or another server took over, since the last look of any process: writes
 * may have been lost, and their revisions given out again. It fails on a standby.
 */
export async function checkHistory(client: pg.Client): Promise<void> {
  const history = await readHistory(client);
  await client.query('begin');
  try {
    await client.query(TAKE_WRITE_LOCK);
    const { rows } = await client.query<{ value: string }>("select value from facts where name = 'history'");
    if (rows[0]?.value !== history) {
      const facts = { history, epoch: newEpoch() };
      for (const [name, value] of Object.entries(facts)) {
        await client.query(
          'insert into facts (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
          [name, value],
        );
      }
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function readHistory(client: pg.Client): Promise<string> {
  const read = async (text: string): Promise<string> => {
    const { rows } = await client.query<{ history: string }>(text);
    return rows[0]?.history ?? '';
  };
  try {
    return await read(HISTORY);
  } catch (error) {
    if (errorCode(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    return read(TABLE_ONLY);
  }
}

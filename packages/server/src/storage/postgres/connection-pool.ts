import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { isConnectionFailure, translateError, unreachable } from './postgres-errors.ts';

/** Most connections for requests; the listener has one more. */
const MAX_CONNECTIONS = 10;
/** To connect, or to get a connection of the pool, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;
/** For a statement; longer than its limit in PostgreSQL, whose error says more. */
const QUERY_TIMEOUT_MS = 12_000;
const INT8 = 20;

/** The settings of every connection. The limits take the locks from a replica that is cut off. */
const SESSION_SETTINGS = [
  'statement_timeout=10000',
  'lock_timeout=5000',
  'idle_in_transaction_session_timeout=10000',
];

/** Settings of pg for a URL. */
export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'smooai-config-server',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    types: { getTypeParser: typeParser },
  };
}

/** Counts fit into a number; pg would return a 64-bit integer as text. */
function typeParser(
  ...[oid, format]: Parameters<typeof pg.types.getTypeParser>
): ReturnType<typeof pg.types.getTypeParser> {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}

export interface ConnectionPoolOptions {
  url: string;
  /** Whether there may be a connection. If not, statements fail at once instead of after a time-out. */
  isReachable: () => boolean;
  /** Called when a connection breaks or cannot be made. */
  onUnreachable: () => void;
}

/** A pool for kysely whose errors are ours. */
export function createConnectionPool(options: ConnectionPoolOptions): PostgresPool {
  const pool = new pg.Pool({ ...connectionOptions(options.url), max: MAX_CONNECTIONS });
  // An idle connection that breaks is replaced by the pool; without a listener the process would end.
  pool.on('error', () => options.onUnreachable());
  return {
    async connect() {
      if (!options.isReachable()) throw unreachable();
      try {
        return wrapClient(await pool.connect(), options);
      } catch (error) {
        if (isConnectionFailure(error)) options.onUnreachable();
        throw translateError(error);
      }
    },
    end: () => pool.end(),
  };
}

function wrapClient(client: pg.PoolClient, { onUnreachable }: ConnectionPoolOptions): PostgresPoolClient {
  let isBroken = false;
  // The error of the running statement says the same.
  const ignore = (): void => {
    isBroken = true;
  };
  client.on('error', ignore);
  const query = async (text: string, parameters: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(text, [...parameters]);
    } catch (error) {
      if (isConnectionFailure(error)) {
        isBroken = true;
        onUnreachable();
        // The transaction has ended with its connection; the first error says why.
        if (text === 'rollback') return { command: 'ROLLBACK', rowCount: 0, rows: [] };
      }
      throw translateError(error);
    }
  };
  return {
    // kysely's overload for cursors is not used.
    query: query as PostgresPoolClient['query'],
    release: () => {
      client.off('error', ignore);
      // A connection with a running statement, after a time-out, must not be used again.
      client.release(isBroken);
    },
  };
}

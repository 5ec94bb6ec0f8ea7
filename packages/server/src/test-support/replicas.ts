import { randomBytes } from 'node:crypto';
import type { ConfigServerOptions } from '../server-options.ts';
import type { TestPostgres } from './postgres.ts';
import { startServer } from './running-server.ts';
import { Shop, startShop } from './shop-server.ts';

/** Servers on one PostgreSQL database, each with the shop's schema and the admin's token. */
export interface Replicas {
  /** The URL of the database. */
  database: string;
  shops: [Shop, Shop, ...Shop[]];
}

/** Starts servers on a new database; they are closed when the test ends. */
export async function startReplicas(
  postgres: TestPostgres,
  options: ConfigServerOptions & { count?: number } = {},
): Promise<Replicas> {
  const { count = 2, ...more } = options;
  const database = await postgres.createDatabase();
  const env = { SMOOAI_CONFIG_SERVER_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const first = await onceReached(() => startShop({ ...more, database, env }));
  const { token, schema, environments } = first;
  const start = async (): Promise<Shop> =>
    new Shop(await onceReached(() => startServer({ ...more, database, env })), {
      token,
      schema,
      environments,
    });
  const second = await start();
  const others = await Promise.all(Array.from({ length: count - 2 }, start));
  return { database, shops: [first, second, ...others] };
}

/** Starts again if the connection to the database timed out, as it can on a machine that stops for seconds. */
async function onceReached<Started>(start: () => Promise<Started>, attempts = 5): Promise<Started> {
  try {
    return await start();
  } catch (error) {
    const isAway = error instanceof Error && 'code' in error && error.code === 'ERR_DATABASE_UNAVAILABLE';
    if (!isAway || attempts === 1) throw error;
    return onceReached(start, attempts - 1);
  }
}

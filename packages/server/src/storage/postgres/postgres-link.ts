import pg from 'pg';
import type { StorageHint } from '../storage.ts';
import { connectionOptions } from './connection-pool.ts';
import { checkHistory } from './history.ts';
import { translateError, unreachable } from './postgres-errors.ts';

/** The channel of LISTEN and NOTIFY. Each database has channels of its own. */
export const CHANNEL = 'smooai_config';

/** Longer than a wait for the write lock may take. */
const QUERY_TIMEOUT_MS = 6_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

type Listener = (hint: StorageHint | 'disconnected') => void;

/**
 * One connection that listens for hints, and says whether the database can be reached. When it breaks, the pool makes no
 * connections until this one is back and has checked that the database still has the same history.
 */
export class PostgresLink {
  readonly #url: string;
  readonly #listeners = new Set<Listener>();
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #isClosed = false;
  #isProbing = false;

  private constructor(url: string) {
    this.#url = url;
  }

  /** @throws {StorageError} if the first connection cannot be made */
  static async open(url: string): Promise<PostgresLink> {
    const link = new PostgresLink(url);
    await link.#connect();
    return link;
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  onHint(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Call it when another connection has broken: finds out whether that is true of this one too. */
  probe(): void {
    const client = this.#client;
    if (client === undefined || this.#isProbing) return;
    this.#isProbing = true;
    client
      .query('select 1')
      .catch(() => this.#lost(client))
      .finally(() => {
        this.#isProbing = false;
      });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({ ...connectionOptions(this.#url), query_timeout: QUERY_TIMEOUT_MS });
    let isEnded = false;
    const lost = (): void => {
      isEnded = true;
      this.#lost(client);
    };
    // Without a listener, an error would end the process.
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload }) => this.#tell(parseHint(payload)));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      await checkHistory(client);
      if (isEnded) throw unreachable();
    } catch (error) {
      client.end().catch(() => undefined);
      throw translateError(error);
    }
    if (this.#isClosed) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#retryMs = FIRST_RETRY_MS;
    // Hints were missed before LISTEN.
    this.#tell('anything');
  }

  #lost(client: pg.Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    client.end().catch(() => undefined);
    this.#tell('disconnected');
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    // Random, so that replicas do not come back in the same moment.
    const waitMs = this.#retryMs * (0.5 + Math.random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#retry = setTimeout(() => {
      this.#connect().catch(() => this.#retryLater());
    }, waitMs);
  }

  #tell(hint: StorageHint | 'disconnected'): void {
    for (const listener of [...this.#listeners]) listener(hint);
  }
}

/** `<revision> <environment id>`, or `*` for anything. */
export function formatHint(hint: StorageHint): string {
  return hint === 'anything' ? '*' : `${hint.revision} ${hint.environmentId}`;
}

function parseHint(payload = ''): StorageHint {
  const match = /^(\d{1,15}) (.+)$/.exec(payload);
  return match ? { revision: Number(match[1]), environmentId: match[2] ?? '' } : 'anything';
}

import { type Kysely, sql } from 'kysely';
import type { Tables } from '../sql/tables.ts';
import type { StorageHint } from '../storage.ts';
import { CHANNEL, formatHint } from './postgres-link.ts';

/**
 * Sends hints after their commits, with one statement at a time for all that are new. Not in the transactions: PostgreSQL
 * lets those with a NOTIFY commit only one after another, each with its `fsync`. A hint that is lost because the process
 * ends, or has no connection, only delays the others until their next look.
 */
export class HintSender {
  readonly #db: Kysely<Tables>;
  /** The newest hint of each environment. */
  #pending = new Map<string, StorageHint>();
  #sending: Promise<void> | undefined;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  send(hints: readonly StorageHint[]): void {
    for (const hint of hints) this.#pending.set(hint === 'anything' ? '' : hint.environmentId, hint);
    if (this.#pending.size > 0) this.#sending ??= this.#sendAll();
  }

  /** Resolves once everything was sent. */
  async idle(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#pending.size > 0) {
      const payloads = [...this.#pending.values()].map(formatHint);
      this.#pending = new Map();
      const notify = sql`select pg_notify(${CHANNEL}, payload) from unnest(${payloads}::text[]) as payload`;
      await notify.execute(this.#db).catch(() => undefined);
    }
    this.#sending = undefined;
  }
}

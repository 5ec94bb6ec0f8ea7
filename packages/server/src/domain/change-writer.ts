import type { RulesetChange } from '@smooai/config';
import { describeError, type ErrorLog } from '../server-logger.ts';
import type { ChangeRecord, Storage, StorageOperations } from '../storage/storage.ts';
import type { ChangeBus } from './change-bus.ts';

/** Changes kept for streams that resume, for each environment. */
const KEPT_CHANGES = 1_000;

/** A write under way. */
export interface WriteTransaction {
  readonly operations: StorageOperations;
  /** The time of this write. */
  readonly now: string;
  /**
   * Notes what the write changes in an environment, as its clients see it. An empty list still gives the environment
   * a new revision, as for a new schema, whose defaults its snapshots show.
   */
  record(environmentId: string, changes: readonly RulesetChange[]): void;
}

/**
 * Runs writes one after another, each as one transaction, and tells the bus of the committed changes before the next
 * begins: so the bus sees revisions in their order.
 */
export class ChangeWriter {
  readonly #storage: Storage;
  readonly #changes: ChangeBus;
  readonly #log: ErrorLog;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: { storage: Storage; changes: ChangeBus; log: ErrorLog }) {
    this.#storage = options.storage;
    this.#changes = options.changes;
    this.#log = options.log;
  }

  /** All of `work` and its revisions are kept or, if it throws, nothing. */
  run<Result>(work: (transaction: WriteTransaction) => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(() => this.#write(work));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #write<Result>(work: (transaction: WriteTransaction) => Promise<Result>): Promise<Result> {
    let records: ChangeRecord[] = [];
    const result = await this.#storage.transaction(async (operations) => {
      const recorded = new Map<string, RulesetChange[]>();
      const now = new Date().toISOString();
      const answer = await work({
        operations,
        now,
        record: (environmentId, changes) => {
          recorded.set(environmentId, [...(recorded.get(environmentId) ?? []), ...changes]);
        },
      });
      records = await commitRecords(operations, recorded, now);
      return answer;
    });
    try {
      this.#changes.publish(records);
    } catch (error) {
      // The write is committed: a stream that fails must not make it look refused.
      this.#log.error({ failure: describeError(error) }, 'a listener of changes failed');
    }
    return result;
  }
}

async function commitRecords(
  operations: StorageOperations,
  recorded: ReadonlyMap<string, RulesetChange[]>,
  now: string,
): Promise<ChangeRecord[]> {
  const records: ChangeRecord[] = [];
  for (const [environmentId, changes] of recorded) {
    const environment = await operations.findEnvironment(environmentId);
    if (environment === undefined) continue;
    const revision = environment.revision + 1;
    await operations.updateEnvironment({ ...environment, revision });
    const record: ChangeRecord = { environmentId, revision, changes, at: now };
    await operations.appendChange(record);
    await operations.pruneChanges(environmentId, KEPT_CHANGES);
    records.push(record);
  }
  return records;
}

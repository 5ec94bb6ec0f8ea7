import type { RulesetChange } from '@smooai/config';
import { describeError, type ErrorLog } from '../server-logger.ts';
import type { ChangeRecord, Storage, StorageOperations, WriteScope } from '../storage/storage.ts';
import type { ChangeBus } from './change-bus.ts';
import type { ChangeFollower } from './change-follower.ts';
import type { EnvironmentViews } from './environment-views.ts';

/** How many changes of each environment are kept for streams that resume. */
const KEPT_CHANGES = 1_000;
/** Older ones are deleted together, once in so many revisions. */
const PRUNE_EVERY = 64;

/** A running write. */
export interface WriteTransaction {
  readonly operations: StorageOperations;
  /** The time of this write, for all rows that it changes. */
  readonly now: string;
  /**
   * Records what the write changes for the clients of an environment. An empty list says that more than values has
   * changed, such as its name or the defaults of a schema: it gets a new revision, and its view in memory is dropped.
   * Call it for a deleted environment too.
   */
  record(environmentId: string, changes: readonly RulesetChange[]): void;
}

/**
 * Runs writes, each in one transaction, and publishes their changes on the bus, in the order of the revisions of each
 * environment. If no other process writes, one write runs after another, and publishes its changes before the next one
 * begins. Otherwise the storage lets writes wait for each other, and the follower puts their changes in order.
 */
export class ChangeWriter {
  readonly #storage: Storage;
  readonly #changes: ChangeBus;
  readonly #views: EnvironmentViews;
  readonly #log: ErrorLog;
  readonly #follower: ChangeFollower | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: {
    storage: Storage;
    changes: ChangeBus;
    views: EnvironmentViews;
    log: ErrorLog;
    /** Publishes the changes instead, in order with those of other processes. */
    follower?: ChangeFollower | undefined;
  }) {
    this.#follower = options.follower;
    this.#storage = options.storage;
    this.#changes = options.changes;
    this.#views = options.views;
    this.#log = options.log;
  }

  /**
   * Commits everything that `work` writes, with the new revisions, or nothing if it throws.
   * @param scope see `Storage.transaction`
   */
  run<Result>(work: (transaction: WriteTransaction) => Promise<Result>, scope?: WriteScope): Promise<Result> {
    if (this.#follower !== undefined) return this.#write(work, scope);
    const result = this.#tail.then(() => this.#write(work, scope));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #write<Result>(
    work: (transaction: WriteTransaction) => Promise<Result>,
    scope: WriteScope | undefined,
  ): Promise<Result> {
    const recorded = new Map<string, RecordedChanges>();
    let records: ChangeRecord[] = [];
    const result = await this.#storage.transaction(async (operations) => {
      const now = new Date().toISOString();
      const outcome = await work({
        operations,
        now,
        record: (environmentId, changes) => {
          const known = recorded.get(environmentId);
          recorded.set(environmentId, {
            changes: [...(known?.changes ?? []), ...changes],
            areOnlyChanges: changes.length > 0 && known?.areOnlyChanges !== false,
          });
        },
      });
      records = await commitRecords(operations, recorded, now);
      return outcome;
    }, scope);
    // A deleted environment has no record.
    const deleted = [...recorded.keys()].filter((id) => !records.some((entry) => entry.environmentId === id));
    for (const environmentId of deleted) this.#views.forget(environmentId);
    if (this.#follower !== undefined) {
      await this.#follower.committed(records);
      return result;
    }
    // Before anyone hears of the write, so that nobody reads an older view afterwards.
    for (const record of records) this.#views.apply(record);
    // The write is committed: a failing listener must not make it look like a failed write.
    this.#changes.publish(records, (error) => {
      this.#log.error({ failure: describeError(error) }, 'a change listener failed');
    });
    return result;
  }
}

/** What one write changes in one environment. */
interface RecordedChanges {
  readonly changes: RulesetChange[];
  /** Whether the changes are all that is new, so that they can be applied to the view in memory. */
  readonly areOnlyChanges: boolean;
}

async function commitRecords(
  operations: StorageOperations,
  recorded: ReadonlyMap<string, RecordedChanges>,
  now: string,
): Promise<ChangeRecord[]> {
  const revisions = await operations.advanceRevisions([...recorded.keys()], KEPT_CHANGES);
  const records: ChangeRecord[] = [];
  for (const [environmentId, { changes, areOnlyChanges }] of recorded) {
    const revision = revisions.get(environmentId);
    if (revision === undefined) continue;
    const reload = areOnlyChanges ? {} : { needsReload: true as const };
    const record: ChangeRecord = { environmentId, revision, changes, at: now, ...reload };
    await operations.appendChange(record);
    if (revision % PRUNE_EVERY === 0) await operations.pruneChanges(environmentId, KEPT_CHANGES);
    records.push(record);
  }
  return records;
}

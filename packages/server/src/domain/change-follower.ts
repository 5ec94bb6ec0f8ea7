import { describeError, type ErrorLog } from '../server-logger.ts';
import type { AccessChange, ChangeRecord, SharedDatabase, Storage, StorageHint } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { ChangeBus } from './change-bus.ts';
import type { EnvironmentViews } from './environment-views.ts';
import { SerialTask } from './serial-task.ts';

/** What a follower does besides keeping views and streams up to date. */
export interface FollowerListener {
  /** More than values has changed, such as the name of the environment. */
  environmentReloaded(environmentId: string): void;
  /** The environment was deleted, or its changes are not known: its streams must end. */
  environmentLost(environmentId: string): void;
  /** Every stream must end: their revisions belong to another epoch, or they may be too old. */
  everythingLost(): void;
  accessChanged(change: AccessChange): void;
  /** Access may have changed in ways that are not known. */
  accessUnknown(): void;
}

export interface ChangeFollowerOptions {
  storage: Storage;
  shared: SharedDatabase;
  changes: ChangeBus;
  views: EnvironmentViews;
  log: ErrorLog;
  listener: FollowerListener;
  /** How long this process may serve what it has in memory, in milliseconds, while it cannot see the database. */
  maxOfflineMs: number;
}

/** Milliseconds between two looks at the database without a hint. */
const INTERVAL_MS = 2_000;
/** If an environment's missed changes have more bytes, its view is read again instead. */
const MAX_MISSED_BYTES = 16 * 1024 * 1024;

/** How far this process knows the database. */
export interface ReplicaStatus {
  isConnected: boolean;
  /** Milliseconds since everything that was committed was known. */
  lagMs: number;
  /** Whether what is in memory is too old to be served. */
  isExpired: boolean;
}

/**
 * Keeps a process up to date with a database that others write to. Hints say that there may be something new; what it is
 * comes from the database, by revision: at every hint, after a lost connection, and every few seconds. Changes of each
 * environment, this process's own included, are published once and in the order of their revisions.
 */
export class ChangeFollower {
  readonly #options: ChangeFollowerOptions;
  /** The revision of each environment up to which changes were published. */
  readonly #published = new Map<string, number>();
  readonly #catchUps = new Map<string, SerialTask>();
  readonly #look = new SerialTask(() => this.#lookAtAll());
  #epoch = '';
  #accessRevision = 0;
  #seenAtMs = performance.now();
  #isExpired = false;
  #timer: NodeJS.Timeout | undefined;
  #stopHints: () => void = () => undefined;
  #isClosed = false;

  constructor(options: ChangeFollowerOptions) {
    this.#options = options;
  }

  /** Begins to follow. Call it before anything of the database is kept in memory. */
  async start(): Promise<void> {
    const { storage, shared, maxOfflineMs } = this.#options;
    await storage.snapshot(async (operations) => {
      this.#epoch = await operations.readEpoch();
      this.#accessRevision = await operations.readAccessRevision();
    });
    this.#seenAtMs = performance.now();
    this.#stopHints = shared.onHint((hint) => this.#hinted(hint));
    // Several looks within the time in which one must succeed.
    const intervalMs = Math.min(INTERVAL_MS, maxOfflineMs / 10);
    this.#timer = setInterval(() => {
      this.#checkAge();
      this.#lookSoon();
    }, intervalMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#stopHints();
    await this.#look.idle();
  }

  get status(): ReplicaStatus {
    const lagMs = Math.round(performance.now() - this.#seenAtMs);
    const { isConnected } = this.#options.shared;
    return { isConnected, lagMs, isExpired: lagMs > this.#options.maxOfflineMs };
  }

  /** @throws {StorageError} if what is in memory is too old to be served */
  requireFresh(): void {
    if (!this.status.isExpired) return;
    const minutes = Math.round(this.#options.maxOfflineMs / 6_000) / 10;
    throw new StorageError(
      'ERR_STORAGE_UNAVAILABLE',
      `The database cannot be reached, and what this server has in memory is older than ${minutes} min.`,
    );
  }

  /** See `ViewFollower`. */
  follow(environmentId: string, revision: number): void {
    if (this.#published.has(environmentId)) return;
    this.#published.set(environmentId, revision);
    // Another change may have been committed since the read.
    void this.catchUp(environmentId).catch((error: unknown) => this.#failed(error));
  }

  /** Publishes what a write of this process has committed, after what others committed before it. */
  async committed(records: readonly ChangeRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#accept(record)) continue;
      try {
        await this.catchUp(record.environmentId);
      } catch (error) {
        // The write is committed. The next look finds its changes.
        this.#options.views.forget(record.environmentId);
        this.#failed(error);
      }
    }
  }

  /**
   * Publishes the changes of an environment that are new in the database.
   * @throws {StorageError} if it cannot be reached
   */
  catchUp(environmentId: string): Promise<void> {
    const known = this.#catchUps.get(environmentId);
    const task = known ?? new SerialTask(() => this.#catchUpNow(environmentId));
    this.#catchUps.set(environmentId, task);
    return task.run().finally(() => {
      if (task.isIdle && this.#catchUps.get(environmentId) === task) this.#catchUps.delete(environmentId);
    });
  }

  #hinted(hint: StorageHint | 'disconnected'): void {
    if (hint === 'disconnected') {
      this.#options.log.error({}, 'the database cannot be reached: serving from memory, writes are refused');
    } else if (hint === 'anything') this.#lookSoon();
    else if ((this.#published.get(hint.environmentId) ?? hint.revision) < hint.revision) {
      void this.catchUp(hint.environmentId).catch((error: unknown) => this.#failed(error));
    }
  }

  #lookSoon(): void {
    if (!this.#options.shared.isConnected || this.#isClosed) return;
    void this.#look.run().catch((error: unknown) => this.#failed(error));
  }

  /** Looks for whatever is new: the epoch, access, and every environment that is in memory or listened to. */
  async #lookAtAll(): Promise<void> {
    if (this.#isClosed) return;
    const atMs = performance.now();
    this.#forgetUnused();
    // Before the read: what this process commits during it has a higher revision than the read finds.
    const before = new Map(this.#published);
    const found = await this.#options.storage.snapshot(async (operations) => ({
      epoch: await operations.readEpoch(),
      accessRevision: await operations.readAccessRevision(),
      revisions: await operations.readRevisions([...before.keys()]),
    }));
    if (found.epoch !== this.#epoch) this.#beginEpoch(found.epoch);
    await this.#followAccess(found.accessRevision);
    for (const [environmentId, revision] of before) {
      const inDatabase = found.revisions.get(environmentId);
      if (inDatabase === undefined) this.#lose(environmentId);
      else if (inDatabase < revision && this.#published.has(environmentId)) {
        // The database has lost writes that were served: their revisions will be given out again.
        await this.#options.storage.renewEpoch(found.epoch);
        this.#beginEpoch(await this.#options.storage.readEpoch());
        return;
      } else if (inDatabase > revision) await this.catchUp(environmentId);
    }
    this.#seenAtMs = atMs;
    this.#isExpired = false;
  }

  async #followAccess(revision: number): Promise<void> {
    const { storage, listener } = this.#options;
    if (revision === this.#accessRevision) return;
    const changes =
      revision < this.#accessRevision
        ? undefined
        : await storage.listAccessChangesSince(this.#accessRevision);
    this.#accessRevision = changes?.at(-1)?.revision ?? revision;
    if (changes === undefined) listener.accessUnknown();
    else for (const change of changes) listener.accessChanged(change);
  }

  async #catchUpNow(environmentId: string): Promise<void> {
    const last = this.#published.get(environmentId);
    if (last === undefined) return;
    const { storage } = this.#options;
    const records = await storage.listChangesSince(environmentId, last, { maxBytes: MAX_MISSED_BYTES });
    if (records === undefined) {
      // A stream that resumes, or begins with the whole ruleset, is up to date again.
      if ((this.#published.get(environmentId) ?? last) === last) this.#lose(environmentId);
      return;
    }
    for (const record of records) this.#accept(record);
  }

  /** Publishes the next change of its environment. Returns false if changes before it are missing. */
  #accept(record: ChangeRecord): boolean {
    const { environmentId, revision } = record;
    const last = this.#published.get(environmentId);
    if (last === undefined) {
      // Nothing is in memory, and a new listener reads the environment first, which follows it.
      this.#options.views.forget(environmentId);
      return true;
    }
    if (revision <= last) return true;
    if (revision !== last + 1) return false;
    this.#published.set(environmentId, revision);
    // Before anyone hears of the change, so that nobody reads an older view afterwards.
    this.#options.views.apply(record);
    this.#options.changes.publish([record], (error) => {
      this.#options.log.error({ failure: describeError(error) }, 'a change listener failed');
    });
    if (record.needsReload) this.#options.listener.environmentReloaded(environmentId);
    return true;
  }

  /** The next read begins with the whole environment. */
  #lose(environmentId: string): void {
    this.#published.delete(environmentId);
    this.#options.views.forget(environmentId);
    this.#options.listener.environmentLost(environmentId);
  }

  #beginEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.#published.clear();
    this.#options.views.forgetAll();
    this.#options.listener.everythingLost();
    this.#options.listener.accessUnknown();
  }

  #forgetUnused(): void {
    const used = new Set([...this.#options.views.environmentIds, ...this.#options.changes.environmentIds]);
    for (const id of this.#published.keys()) if (!used.has(id)) this.#published.delete(id);
  }

  /** Once what is in memory is too old, ends the streams that serve it. */
  #checkAge(): void {
    if (this.#isExpired || !this.status.isExpired) return;
    this.#isExpired = true;
    this.#options.listener.everythingLost();
  }

  #failed(error: unknown): void {
    // A lost connection is logged once.
    if (this.#isClosed || (error instanceof StorageError && error.code === 'ERR_STORAGE_UNAVAILABLE')) return;
    this.#options.log.error(
      { failure: describeError(error) },
      'following the changes of the database failed',
    );
  }
}

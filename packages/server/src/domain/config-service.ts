import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import { describeError, type ErrorLog } from '../server-logger.ts';
import type { ChangeRecord, Storage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import { findEnvironmentByName, requireEnvironmentAccess } from './access.ts';
import type { ChangeBus } from './change-bus.ts';
import { ChangeFeeds } from './change-feeds.ts';
import { ChangeFollower, type FollowerListener, type ReplicaStatus } from './change-follower.ts';
import { ChangeWriter } from './change-writer.ts';
import type { EnvironmentView } from './environment-view.ts';
import { EnvironmentViews } from './environment-views.ts';
import { Environments } from './environments.ts';
import { Refusal } from './refusal.ts';
import { Schemas } from './schemas.ts';
import { Segments } from './segments.ts';
import { SnapshotFeeds } from './snapshot-feeds.ts';
import { CheckPool } from './validation/check-pool.ts';
import { PatternChecker } from './validation/pattern-check.ts';
import { SchemaKeysCache } from './validation/schema-keys.ts';
import { Values } from './values.ts';

/** How many environments of an organization are read at the start. */
const MAX_READ_AHEAD = 20;

export interface ConfigServiceOptions {
  storage: Storage;
  changes: ChangeBus;
  log: ErrorLog;
  /** Needed if other processes write to the storage. */
  replica?: {
    /** Gets the changes of access that other processes make. */
    access: Pick<FollowerListener, 'accessChanged' | 'accessUnknown'>;
    /** How long to serve from memory while the database cannot be reached, in milliseconds. */
    maxOfflineMs: number;
  };
}

/** The rules of values, schemas, environments and segments; routes only translate HTTP. */
export class ConfigService {
  readonly values: Values;
  readonly schemas: Schemas;
  readonly environments: Environments;
  readonly segments: Segments;
  readonly snapshots: SnapshotFeeds;
  readonly changes: ChangeFeeds;
  readonly #storage: Storage;
  readonly #views: EnvironmentViews;
  readonly #checks = new CheckPool();
  readonly #follower: ChangeFollower | undefined;

  constructor(options: ConfigServiceOptions) {
    this.#storage = options.storage;
    const schemaKeys = new SchemaKeysCache();
    this.#views = new EnvironmentViews(options.storage, schemaKeys);
    this.#follower = this.#createFollower(options);
    if (this.#follower !== undefined) this.#views.followWith(this.#follower);
    const parts = {
      writer: new ChangeWriter({ ...options, views: this.#views, follower: this.#follower }),
      views: this.#views,
      schemaKeys,
      patterns: new PatternChecker(),
      checks: this.#checks,
    };
    this.values = new Values(options.storage, parts);
    this.schemas = new Schemas(options.storage, parts);
    this.environments = new Environments(options.storage, parts);
    this.segments = new Segments(options.storage, parts);
    const { changes, log } = options;
    this.changes = new ChangeFeeds({ changes, log, checkName: (id) => this.#checkName(id, log) });
    this.snapshots = new SnapshotFeeds({ changes, log, readView: (id) => this.viewById(id) });
  }

  /**
   * Everything that an environment serves, at its newest revision.
   * @throws {Refusal} `forbidden` if the caller is limited to other environments, `not-found` if there is none
   */
  async view(principal: Principal, environment: string): Promise<EnvironmentView> {
    requireEnvironmentAccess(principal, environment);
    const id =
      this.#views.idOf(principal.organizationId, environment) ??
      (await findEnvironmentByName(this.#storage, principal, environment)).id;
    const view = await this.viewById(id);
    // It may have been deleted or renamed since its name was looked up.
    if (view?.environment.name !== environment)
      throw new Refusal('not-found', `The environment "${clip(environment)}" does not exist.`);
    return view;
  }

  /** The newest view of an environment whose access was checked before; undefined if it was deleted. */
  viewById(environmentId: string): Promise<EnvironmentView | undefined> {
    return this.#views.read(environmentId);
  }

  /** The views in memory: of the environments that were used most recently. */
  get viewsInMemory(): Iterable<EnvironmentView> {
    return this.#views.inMemory;
  }

  /**
   * The view of an environment that a client asks for which has seen `revision`, at another process of the same database.
   * @throws {Refusal} as {@link view}
   * @throws {StorageError} if this process is behind and the database cannot be reached
   */
  async viewSince(
    principal: Principal,
    environment: string,
    revision: number | undefined,
  ): Promise<EnvironmentView> {
    const view = await this.view(principal, environment);
    if (revision === undefined || revision <= view.environment.revision) return view;
    await this.#follower?.catchUp(view.environment.id);
    return this.view(principal, environment);
  }

  /** The changes that a client has missed since `revision`; undefined if it needs the whole environment. */
  async missedChanges(
    environmentId: string,
    revision: number,
    limits: { maxBytes: number },
  ): Promise<ChangeRecord[] | undefined> {
    try {
      return await this.#storage.listChangesSince(environmentId, revision, limits);
    } catch (error) {
      // The whole environment is in memory.
      if (this.#follower !== undefined && error instanceof StorageError) return undefined;
      throw error;
    }
  }

  /** How far this process knows a database that others write to; undefined if no others do. */
  get replica(): ReplicaStatus | undefined {
    return this.#follower?.status;
  }

  /** @throws {StorageError} if what this process has in memory is too old to be served */
  requireFresh(): void {
    this.#follower?.requireFresh();
  }

  /** Begins to follow the writes of other processes, and reads what is needed while the database cannot be reached. */
  async start(): Promise<void> {
    if (this.#follower === undefined) return;
    await this.#follower.start();
    for (const { id } of await this.#storage.listOrganizations()) {
      for (const environment of (await this.#storage.listEnvironments(id)).slice(0, MAX_READ_AHEAD)) {
        await this.viewById(environment.id);
      }
    }
  }

  /** Stops the worker threads that check schemas, values and patterns. */
  async close(): Promise<void> {
    await this.#follower?.close();
    await this.#checks.close();
  }

  #createFollower(options: ConfigServiceOptions): ChangeFollower | undefined {
    const { storage, changes, log, replica } = options;
    const { shared } = storage;
    if (shared === undefined || replica === undefined) return undefined;
    const { access, maxOfflineMs } = replica;
    return new ChangeFollower({
      storage,
      changes,
      log,
      maxOfflineMs,
      shared,
      views: this.#views,
      listener: {
        accessChanged: (change) => access.accessChanged(change),
        accessUnknown: () => access.accessUnknown(),
        everythingLost: () => this.environments.endStreams(),
        environmentLost: (id) => this.environments.endStreams(id),
        environmentReloaded: (id) => void this.#checkName(id, log),
      },
    });
  }

  /** Ends the streams of an environment that may not be used under its present name, or all if that cannot be read. */
  async #checkName(environmentId: string, log: ErrorLog): Promise<void> {
    try {
      await this.environments.checkName(environmentId);
    } catch (error) {
      log.error({ failure: describeError(error) }, 'the name of an environment could not be checked');
      this.environments.endStreams(environmentId);
    }
  }
}

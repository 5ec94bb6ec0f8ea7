import { clip } from '../lib/clip.ts';
import type { Principal } from '../principal.ts';
import type { ErrorLog } from '../server-logger.ts';
import type { Storage } from '../storage/storage.ts';
import { findEnvironmentByName, requireEnvironmentAccess } from './access.ts';
import type { ChangeBus } from './change-bus.ts';
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

export interface ConfigServiceOptions {
  storage: Storage;
  changes: ChangeBus;
  log: ErrorLog;
}

/** The rules of values, schemas, environments and segments; routes only translate HTTP. */
export class ConfigService {
  readonly values: Values;
  readonly schemas: Schemas;
  readonly environments: Environments;
  readonly segments: Segments;
  readonly snapshots: SnapshotFeeds;
  readonly #storage: Storage;
  readonly #views: EnvironmentViews;
  readonly #checks = new CheckPool();

  constructor(options: ConfigServiceOptions) {
    this.#storage = options.storage;
    const schemaKeys = new SchemaKeysCache();
    this.#views = new EnvironmentViews(options.storage, schemaKeys);
    const parts = {
      writer: new ChangeWriter({ ...options, views: this.#views }),
      views: this.#views,
      schemaKeys,
      patterns: new PatternChecker(),
      checks: this.#checks,
    };
    this.values = new Values(options.storage, parts);
    this.schemas = new Schemas(options.storage, parts);
    this.environments = new Environments(options.storage, parts);
    this.segments = new Segments(parts);
    const { changes, log } = options;
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

  /** Stops the worker threads that check schemas, values and patterns. */
  close(): Promise<void> {
    return this.#checks.close();
  }
}

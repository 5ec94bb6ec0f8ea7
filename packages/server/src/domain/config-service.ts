import type { Principal } from '../principal.ts';
import type { ErrorLog } from '../server-logger.ts';
import type { Storage } from '../storage/storage.ts';
import { findEnvironmentByName } from './access.ts';
import type { ChangeBus } from './change-bus.ts';
import { ChangeWriter } from './change-writer.ts';
import { type EnvironmentView, EnvironmentViews } from './environment-view.ts';
import { Environments } from './environments.ts';
import { Refusal } from './refusal.ts';
import { Schemas } from './schemas.ts';
import { Segments } from './segments.ts';
import { PatternChecker } from './validation/pattern-check.ts';
import { SchemaKeysCache } from './validation/schema-keys.ts';
import { Values } from './values.ts';

/** What {@link ConfigService} works with. */
export interface ConfigServiceOptions {
  storage: Storage;
  changes: ChangeBus;
  log: ErrorLog;
}

/** All rules of values, schemas, environments, segments, evaluation and snapshots; routes only translate HTTP. */
export class ConfigService {
  readonly values: Values;
  readonly schemas: Schemas;
  readonly environments: Environments;
  readonly segments: Segments;
  readonly #storage: Storage;
  readonly #views: EnvironmentViews;
  readonly #patterns = new PatternChecker();

  constructor(options: ConfigServiceOptions) {
    this.#storage = options.storage;
    const schemaKeys = new SchemaKeysCache();
    this.#views = new EnvironmentViews(options.storage, schemaKeys);
    const parts = {
      writer: new ChangeWriter(options),
      views: this.#views,
      schemaKeys,
      patterns: this.#patterns,
    };
    this.values = new Values(parts);
    this.schemas = new Schemas(options.storage, parts);
    this.environments = new Environments(options.storage, parts);
    this.segments = new Segments(parts);
  }

  /**
   * Everything that an environment serves, as of its newest revision.
   * @throws {Refusal} 403 where the caller is limited to other environments, 404 where there is none of that name.
   */
  async view(principal: Principal, environment: string): Promise<EnvironmentView> {
    const { id } = await findEnvironmentByName(this.#storage, principal, environment);
    const view = await this.viewById(id);
    if (view === undefined) throw new Refusal('not-found', `There is no environment "${environment}".`);
    return view;
  }

  /** The newest view of an environment whose use was allowed before; undefined where it is gone. */
  viewById(environmentId: string): Promise<EnvironmentView | undefined> {
    return this.#views.read(environmentId);
  }

  /** Lets go of what outlives a request. */
  close(): Promise<void> {
    return this.#patterns.close();
  }
}

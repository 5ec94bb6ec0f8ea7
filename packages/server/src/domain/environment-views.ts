import { BoundedMap } from '../lib/bounded-map.ts';
import type { ChangeRecord, Environment, Storage, StorageOperations } from '../storage/storage.ts';
import { readEffectiveValues } from './effective-values.ts';
import { EnvironmentView } from './environment-view.ts';
import type { SchemaKey, SchemaKeysCache } from './validation/schema-keys.ts';

/** How many views are kept in memory; others are read again when needed. */
const MAX_VIEWS = 100;

/** What {@link EnvironmentViews} needs if other processes write to the storage. */
export interface ViewFollower {
  /** Follows the changes of an environment from a revision on, if it does not yet. */
  follow(environmentId: string, revision: number): void;
  /** @throws {StorageError} if the views in memory may be too old */
  requireFresh(): void;
}

/**
 * The newest view of each environment, in memory. `ChangeWriter` calls `apply` or `forget` for every write of this process,
 * and `ChangeFollower` for those of others. So a view needs no look at the storage.
 */
export class EnvironmentViews {
  readonly #storage: Storage;
  readonly #schemaKeys: SchemaKeysCache;
  readonly #views = new BoundedMap<string, EnvironmentView>(MAX_VIEWS);
  readonly #idsByName = new BoundedMap<string, string>(MAX_VIEWS);
  /** Reads that are shared by all who wait for the same view. */
  readonly #loading = new Map<string, Promise<EnvironmentView | undefined>>();
  #follower: ViewFollower | undefined;

  constructor(storage: Storage, schemaKeys: SchemaKeysCache) {
    this.#storage = storage;
    this.#schemaKeys = schemaKeys;
  }

  followWith(follower: ViewFollower): void {
    this.#follower = follower;
  }

  /** The environments whose views are in memory, or are being read. */
  get environmentIds(): Iterable<string> {
    return [...this.#views.keys(), ...this.#loading.keys()];
  }

  /** The views in memory, at most {@link MAX_VIEWS}. */
  get inMemory(): Iterable<EnvironmentView> {
    return this.#views.values();
  }

  /** The id of an environment whose view is in memory. */
  idOf(organizationId: string, name: string): string | undefined {
    const id = this.#idsByName.get(nameKey({ organizationId, name }));
    const view = id === undefined ? undefined : this.#views.get(id);
    return view?.environment.name === name ? id : undefined;
  }

  /** The newest view of an environment; undefined if it was deleted. */
  async read(environmentId: string): Promise<EnvironmentView | undefined> {
    this.#follower?.requireFresh();
    const known = this.#views.get(environmentId);
    if (known !== undefined) return known;
    const running = this.#loading.get(environmentId);
    if (running !== undefined) return running;
    const loading = this.#load(environmentId);
    this.#loading.set(environmentId, loading);
    try {
      const view = await loading;
      // A change during the read has dropped it from `#loading`: the view may be older than the change.
      if (view !== undefined && this.#loading.get(environmentId) === loading) this.#remember(view);
      return view;
    } finally {
      if (this.#loading.get(environmentId) === loading) this.#loading.delete(environmentId);
    }
  }

  /** Applies a committed change to the view. One that the view has already is ignored. */
  apply(record: ChangeRecord): void {
    const known = this.#views.get(record.environmentId);
    if (known !== undefined && record.revision <= known.environment.revision) return;
    const next = record.needsReload ? undefined : known?.after(record);
    this.forget(record.environmentId);
    if (next !== undefined) this.#remember(next);
  }

  forgetAll(): void {
    this.#views.clear();
    this.#loading.clear();
  }

  /** Drops the view of an environment that has changed or is gone. */
  forget(environmentId: string): void {
    this.#views.delete(environmentId);
    this.#loading.delete(environmentId);
  }

  /** In one transaction, so that the values belong to the revision. */
  #load(environmentId: string): Promise<EnvironmentView | undefined> {
    return this.#storage.snapshot(async (operations) => {
      const environment = await operations.findEnvironment(environmentId);
      if (environment === undefined) return undefined;
      const effective = await readEffectiveValues(operations, environment);
      const keys = await this.#readKeys(operations, environment);
      // With the id, because an environment that is deleted and created again has another history.
      const epoch = `${await operations.readEpoch()}-${environment.id}`;
      this.#follower?.follow(environmentId, environment.revision);
      return new EnvironmentView(environment, effective, { epoch, keys });
    });
  }

  async #readKeys(
    operations: StorageOperations,
    { organizationId }: Environment,
  ): Promise<ReadonlyMap<string, SchemaKey>> {
    const keys = new Map<string, SchemaKey>();
    for (const schema of await operations.listSchemas(organizationId)) {
      for (const [key, entry] of this.#schemaKeys.of(schema)) keys.set(key, entry);
    }
    return keys;
  }

  #remember(view: EnvironmentView): void {
    const { environment } = view;
    this.#views.set(environment.id, view);
    this.#follower?.follow(environment.id, environment.revision);
    this.#idsByName.set(nameKey(environment), environment.id);
  }
}

function nameKey({ organizationId, name }: Pick<Environment, 'organizationId' | 'name'>): string {
  return `${organizationId}/${name}`;
}

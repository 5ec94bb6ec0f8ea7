import { randomBytes } from 'node:crypto';
import {
  type CompiledSegments,
  compile,
  compileSegments,
  type Evaluation,
  type EvaluationContext,
  type Ruleset,
  TIERS,
  tierNames,
} from '@smooai/config';
import type { Environment, Storage, StorageOperations } from '../storage/storage.ts';
import { type EffectiveValues, readEffectiveValues, toConditions } from './effective-values.ts';
import type { SchemaKey, SchemaKeysCache } from './validation/schema-keys.ts';

/** How many views are kept in memory; others are read again when needed. */
const MAX_VIEWS = 100;

/** Everything that an environment serves at one revision. */
export class EnvironmentView implements EffectiveValues {
  readonly environment: Environment;
  readonly values: EffectiveValues['values'];
  readonly segments: EffectiveValues['segments'];
  /** Every key of the organization's schemas. */
  readonly keys: ReadonlyMap<string, SchemaKey>;
  readonly ruleset: Ruleset;
  /** Identifies the history that the revision belongs to. */
  readonly epoch: string;
  readonly #compiled = new Map<string, (context: EvaluationContext) => Evaluation>();
  #segments: CompiledSegments | undefined;
  #rulesetJson: string | undefined;

  constructor(
    environment: Environment,
    effective: EffectiveValues,
    more: { epoch: string; keys: ReadonlyMap<string, SchemaKey> },
  ) {
    this.environment = environment;
    this.values = effective.values;
    this.segments = effective.segments;
    this.keys = more.keys;
    this.epoch = more.epoch;
    this.ruleset = { ...toRuleset(environment, effective), epoch: more.epoch };
  }

  get revision(): string {
    return this.ruleset.revision;
  }

  /** The ruleset as JSON, created once. */
  get rulesetJson(): string {
    this.#rulesetJson ??= JSON.stringify(this.ruleset);
    return this.#rulesetJson;
  }

  /** Evaluates the stored value of a flag or limit; undefined if there is none. */
  evaluate(key: string, context: EvaluationContext): Evaluation | undefined {
    let run = this.#compiled.get(key);
    if (run === undefined) {
      const stored = this.values.get(key);
      if (stored === undefined) return undefined;
      this.#segments ??= compileSegments(this.ruleset.segments);
      run = compile(key, stored.value, this.#segments);
      this.#compiled.set(key, run);
    }
    return run(context);
  }
}

/** Reads views and caches each until its environment has a newer revision. */
export class EnvironmentViews {
  readonly #storage: Storage;
  readonly #schemaKeys: SchemaKeysCache;
  readonly #views = new Map<string, EnvironmentView>();
  /** New with each start: a restored database may have other changes under the same revisions. */
  readonly #epoch = randomBytes(6).toString('hex');

  constructor(storage: Storage, schemaKeys: SchemaKeysCache) {
    this.#storage = storage;
    this.#schemaKeys = schemaKeys;
  }

  /** The newest view of an environment; undefined if it was deleted. */
  async read(environmentId: string): Promise<EnvironmentView | undefined> {
    const current = await this.#storage.findEnvironment(environmentId);
    if (current === undefined) {
      this.#views.delete(environmentId);
      return undefined;
    }
    const known = this.#views.get(environmentId);
    if (known !== undefined && known.environment.revision === current.revision) return known;
    // In one transaction, so that the values belong to the revision.
    const view = await this.#storage.transaction(async (operations) => {
      const environment = await operations.findEnvironment(environmentId);
      return environment === undefined ? undefined : this.#load(operations, environment);
    });
    if (view !== undefined) this.#remember(view);
    return view;
  }

  async #load(operations: StorageOperations, environment: Environment): Promise<EnvironmentView> {
    const effective = await readEffectiveValues(operations, environment);
    const keys = new Map<string, SchemaKey>();
    for (const schema of await operations.listSchemas(environment.organizationId)) {
      for (const [key, entry] of this.#schemaKeys.of(schema)) keys.set(key, entry);
    }
    // With the id, because an environment that is deleted and created again has another history.
    const epoch = `${this.#epoch}-${environment.id}`;
    return new EnvironmentView(environment, effective, { epoch, keys });
  }

  #remember(view: EnvironmentView): void {
    this.#views.delete(view.environment.id);
    this.#views.set(view.environment.id, view);
    if (this.#views.size > MAX_VIEWS) {
      for (const oldest of this.#views.keys()) {
        this.#views.delete(oldest);
        break;
      }
    }
  }
}

function toRuleset(environment: Environment, effective: EffectiveValues): Ruleset {
  const entries = new Map(TIERS.map((names) => [names.ruleset, [] as [string, Ruleset['public'][string]][]]));
  for (const { tier, key, value } of effective.values.values()) {
    entries.get(tierNames(tier).ruleset)?.push([key, value]);
  }
  const group = (name: 'public' | 'secret' | 'flags' | 'limits'): Ruleset['public'] =>
    Object.fromEntries(entries.get(name) ?? []);
  return {
    revision: String(environment.revision),
    environment: environment.name,
    public: group('public'),
    secret: group('secret'),
    flags: group('flags'),
    limits: group('limits'),
    segments: toConditions(effective.segments),
  };
}

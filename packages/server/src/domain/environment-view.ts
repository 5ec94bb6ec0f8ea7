import { isDeepStrictEqual } from 'node:util';
import {
  type CompiledSegments,
  compile,
  compileSegments,
  type Evaluation,
  type EvaluationContext,
  type Ruleset,
  segmentsUsed,
  TIERS,
  tierNames,
  touchedSegments,
} from '@smooai/config';
import type { ChangeRecord, Environment } from '../storage/storage.ts';
import { type EffectiveValue, type EffectiveValues, toConditions } from './effective-values.ts';
import { targetedValues } from './segment-use.ts';
import type { SchemaKey } from './validation/schema-keys.ts';

type Compiled = (context: EvaluationContext) => Evaluation;

/** What a view consists of besides its values and segments. */
interface ViewParts {
  epoch: string;
  keys: ReadonlyMap<string, SchemaKey>;
}

/** Everything that an environment serves at one revision. */
export class EnvironmentView implements EffectiveValues {
  readonly environment: Environment;
  readonly values: EffectiveValues['values'];
  readonly segments: EffectiveValues['segments'];
  /** Every key of the organization's schemas. */
  readonly keys: ReadonlyMap<string, SchemaKey>;
  /** Identifies the history that the revision belongs to. */
  readonly epoch: string;
  readonly #compiled = new Map<string, Compiled>();
  #segments: CompiledSegments | undefined;
  #rulesetJson: Buffer | undefined;

  constructor(environment: Environment, effective: EffectiveValues, { epoch, keys }: ViewParts) {
    this.environment = environment;
    this.values = effective.values;
    this.segments = effective.segments;
    this.keys = keys;
    this.epoch = epoch;
  }

  get revision(): string {
    return String(this.environment.revision);
  }

  /** The ruleset as JSON in UTF-8, created once and shared by all responses: do not change it. */
  get rulesetJson(): Buffer {
    this.#rulesetJson ??= Buffer.from(JSON.stringify({ ...toRuleset(this), epoch: this.epoch }));
    return this.#rulesetJson;
  }

  /** Evaluates the stored value of a flag or limit; undefined if there is none. */
  evaluate(key: string, context: EvaluationContext): Evaluation | undefined {
    let run = this.#compiled.get(key);
    if (run === undefined) {
      const stored = this.values.get(key);
      if (stored === undefined) return undefined;
      this.#segments ??= compileSegments(toConditions(this.segments));
      run = compile(key, stored.value, this.#segments);
      this.#compiled.set(key, run);
    }
    return run(context);
  }

  /**
   * The view after a change of values alone. What did not change is shared with this view. Undefined if the change does
   * not follow on this view, or changes segments.
   */
  after({ revision, changes }: ChangeRecord): EnvironmentView | undefined {
    if (revision !== this.environment.revision + 1) return undefined;
    const values = new Map(this.values);
    const compiled = new Map(this.#compiled);
    for (const change of changes) {
      if ('segments' in change) return undefined;
      const { tier, key } = change;
      compiled.delete(key);
      if ('deleted' in change) values.delete(key);
      else values.set(key, { tier, key, value: change.value });
    }
    const { segments, epoch, keys } = this;
    const next = new EnvironmentView(
      { ...this.environment, revision },
      { values, segments },
      { epoch, keys },
    );
    next.#segments = this.#segments;
    for (const [key, run] of compiled) next.#compiled.set(key, run);
    return next;
  }
}

/** The keys whose entries may differ between two views of an environment. Secrets are left out. */
export function changedKeys(before: EnvironmentView, after: EnvironmentView): Set<string> {
  const changed = new Set<string>();
  if (before === after) return changed;
  for (const [key, stored] of after.values) {
    if (stored.tier !== 'secret' && !isSameValue(before.values.get(key), stored)) changed.add(key);
  }
  for (const [key, stored] of before.values) {
    if (stored.tier !== 'secret' && !after.values.has(key)) changed.add(key);
  }
  if (before.keys !== after.keys) {
    for (const key of new Set([...before.keys.keys(), ...after.keys.keys()])) {
      if (!isSameAnswer(before.keys.get(key), after.keys.get(key))) changed.add(key);
    }
  }
  if (before.segments !== after.segments) {
    const segments = touchedSegments(toConditions(before.segments), toConditions(after.segments));
    for (const { key, value } of segments.size > 0 ? targetedValues(after) : []) {
      for (const name of segmentsUsed(value)) if (segments.has(name)) changed.add(key);
    }
  }
  return changed;
}

function isSameValue(one: EffectiveValue | undefined, other: EffectiveValue): boolean {
  if (one === other) return true;
  return one?.tier === other.tier && isDeepStrictEqual(one.value, other.value);
}

/** Whether a key has the same tier, default and bounds in both schemas, or is in neither except as a secret. */
function isSameAnswer(one: SchemaKey | undefined, other: SchemaKey | undefined): boolean {
  if (one === other) return true;
  if ((one ?? other)?.tier === 'secret' && (other ?? one)?.tier === 'secret') return true;
  return (
    one?.tier === other?.tier &&
    isDeepStrictEqual(one?.defaultValue, other?.defaultValue) &&
    isDeepStrictEqual(one?.limit, other?.limit)
  );
}

function toRuleset({ environment, values, segments }: EnvironmentView): Ruleset {
  const entries = new Map(TIERS.map((names) => [names.ruleset, [] as [string, Ruleset['public'][string]][]]));
  for (const { tier, key, value } of values.values()) {
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
    segments: toConditions(segments),
  };
}

import {
  clampLimit,
  type Evaluation,
  type EvaluationContext,
  type JsonValue,
  type Snapshot,
  type Tier,
  tierNames,
} from '@smooai/config';
import { clip } from '../lib/clip.ts';
import type { EnvironmentView } from './environment-view.ts';
import { Refusal } from './refusal.ts';
import type { SchemaKey } from './validation/schema-keys.ts';

/**
 * Evaluates one flag or limit for a context; without a stored value the result is the schema's default.
 * @throws {Refusal} `not-found` for a key that is not in that tier, or that has neither a value nor a default
 */
export function evaluateKey(
  view: EnvironmentView,
  { tier, key }: { tier: Tier; key: string },
  context: EvaluationContext,
): Evaluation {
  const entry = view.keys.get(key);
  if (entry === undefined || entry.tier !== tier) {
    throw new Refusal('not-found', `The schema has no ${tierNames(tier).label} "${clip(key)}".`);
  }
  const evaluation =
    entry.limit === undefined ? evaluateFlag(view, entry, context) : evaluateLimit(view, entry, context);
  if (evaluation === undefined) {
    throw new Refusal(
      'not-found',
      `"${key}" has no value in "${view.environment.name}", and its schema has no default.`,
    );
  }
  return evaluation;
}

/**
 * What a browser sees for a context: public values and evaluated flags and limits, or the schema's defaults for keys
 * without a stored value.
 * @param only the keys to include; all by default
 */
export function createSnapshot(
  view: EnvironmentView,
  context: EvaluationContext,
  only?: ReadonlySet<string>,
): Snapshot {
  const entries: Record<SnapshotEntry['group'], [string, SnapshotEntry['entry']][]> = {
    public: [],
    flags: [],
    limits: [],
  };
  for (const key of only ?? view.keys.keys()) {
    const found = entryOf(view, key, context);
    if (found !== undefined) entries[found.group].push([key, found.entry]);
  }
  return {
    revision: view.revision,
    public: Object.fromEntries(entries.public),
    flags: Object.fromEntries(entries.flags),
    limits: Object.fromEntries(entries.limits),
  } as Snapshot;
}

/** What a snapshot has for one key. */
export interface SnapshotEntry {
  group: 'public' | 'flags' | 'limits';
  entry: JsonValue | Evaluation;
}

/** The entry of a key in the snapshot of a context; undefined if the snapshot has none. */
export function entryOf(
  view: EnvironmentView,
  key: string,
  context: EvaluationContext,
): SnapshotEntry | undefined {
  const schemaKey = view.keys.get(key);
  if (schemaKey === undefined) return undefined;
  const { tier } = schemaKey;
  if (tier === 'public') {
    const stored = view.values.get(key);
    const entry = stored === undefined ? schemaKey.defaultValue : stored.value;
    return entry === undefined ? undefined : { group: 'public', entry };
  }
  if (tier === 'feature_flag') {
    const entry = evaluateFlag(view, schemaKey, context);
    return entry === undefined ? undefined : { group: 'flags', entry };
  }
  const entry = tier === 'limit' ? evaluateLimit(view, schemaKey, context) : undefined;
  return entry === undefined ? undefined : { group: 'limits', entry };
}

function evaluateFlag(
  view: EnvironmentView,
  entry: SchemaKey,
  context: EvaluationContext,
): Evaluation | undefined {
  const evaluation = view.evaluate(entry.key, context);
  if (evaluation !== undefined) return evaluation;
  return entry.defaultValue === undefined ? undefined : { value: entry.defaultValue, source: 'default' };
}

function evaluateLimit(
  view: EnvironmentView,
  entry: SchemaKey,
  context: EvaluationContext,
): Evaluation<number> | undefined {
  const { limit } = entry;
  if (limit === undefined) return undefined;
  const evaluation = view.evaluate(entry.key, context);
  if (evaluation === undefined) return { value: limit.default, source: 'default' };
  return { ...evaluation, value: clampLimit(evaluation.value, limit) };
}

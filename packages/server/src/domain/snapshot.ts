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
  const publicValues: [string, JsonValue][] = [];
  const flags: [string, Evaluation][] = [];
  const limits: [string, Evaluation<number>][] = [];
  for (const key of only ?? view.keys.keys()) {
    const entry = view.keys.get(key);
    if (entry === undefined) continue;
    const { tier } = entry;
    if (tier === 'public') {
      const stored = view.values.get(key);
      const value = stored === undefined ? entry.defaultValue : stored.value;
      if (value !== undefined) publicValues.push([key, value]);
    } else if (tier === 'feature_flag') {
      const evaluation = evaluateFlag(view, entry, context);
      if (evaluation !== undefined) flags.push([key, evaluation]);
    } else if (tier === 'limit') {
      const evaluation = evaluateLimit(view, entry, context);
      if (evaluation !== undefined) limits.push([key, evaluation]);
    }
  }
  return {
    revision: view.revision,
    public: Object.fromEntries(publicValues),
    flags: Object.fromEntries(flags),
    limits: Object.fromEntries(limits),
  };
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

import type { Evaluation, EvaluationContext, EvaluationSource, JsonValue } from '@smooai/config';
import type { EnvironmentView } from '../domain/environment-view.ts';
import { createSnapshot } from '../domain/snapshot.ts';

/** The result for one flag. Without `value`, the program uses the default in its code. */
export interface OfrepEvaluation {
  key: string;
  reason: 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DEFAULT';
  value?: JsonValue;
  variant?: string;
  metadata: Record<string, string | number>;
}

const REASONS: Readonly<Record<EvaluationSource, OfrepEvaluation['reason']>> = {
  raw: 'STATIC',
  rule: 'TARGETING_MATCH',
  rollout: 'SPLIT',
  default: 'DEFAULT',
};

/** Why a result has its value, in the terms of the config API; `none` without a value. */
export function sourceOf({ reason, value }: OfrepEvaluation): EvaluationSource | 'none' {
  if (value === undefined) return 'none';
  const sources: readonly EvaluationSource[] = ['raw', 'rule', 'rollout'];
  return sources.find((source) => REASONS[source] === reason) ?? 'default';
}

/** A longer string is content rather than a name. */
const MAX_VARIANT_LENGTH = 100;

/**
 * Evaluates flags, limits and public values for a context; never secrets. The revision is not in their metadata: after a
 * change of one, all would differ.
 * @param only the keys to evaluate; all by default. Keys that the schema does not have are left out.
 */
export function evaluateForOfrep(
  view: EnvironmentView,
  context: EvaluationContext,
  only?: ReadonlySet<string>,
): OfrepEvaluation[] {
  const snapshot = createSnapshot(view, withUserId(context), only);
  const results: OfrepEvaluation[] = [];
  for (const key of only ?? view.keys.keys()) {
    const tier = view.keys.get(key)?.tier;
    if (tier === undefined || tier === 'secret') continue;
    if (tier === 'public') results.push(resultOf(view, key, publicEvaluation(view, key, snapshot.public)));
    else
      results.push(resultOf(view, key, ownEntry(tier === 'limit' ? snapshot.limits : snapshot.flags, key)));
  }
  return results;
}

/** OpenFeature's `targetingKey` is the `userId` that rollouts use by default, unless the context has its own. */
function withUserId(context: EvaluationContext): EvaluationContext {
  const { targetingKey, userId } = context;
  return targetingKey === undefined || (userId !== undefined && userId !== null)
    ? context
    : { ...context, userId: targetingKey };
}

function publicEvaluation(
  view: EnvironmentView,
  key: string,
  values: Readonly<Record<string, JsonValue>>,
): Evaluation | undefined {
  const value = ownEntry(values, key);
  if (value === undefined) return undefined;
  return { value, source: view.values.has(key) ? 'raw' : 'default' };
}

function resultOf(view: EnvironmentView, key: string, evaluation: Evaluation | undefined): OfrepEvaluation {
  const metadata: OfrepEvaluation['metadata'] = { environment: view.environment.name };
  if (evaluation === undefined) return { key, reason: 'DEFAULT', metadata };
  const { value, source, matchedRuleId, rolloutBucket } = evaluation;
  if (matchedRuleId !== undefined) metadata.ruleId = matchedRuleId;
  if (rolloutBucket !== undefined) metadata.bucket = rolloutBucket;
  const variant = variantOf(value);
  return { key, reason: REASONS[source], value, ...(variant !== undefined && { variant }), metadata };
}

function variantOf(value: JsonValue): string | undefined {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' && value.length <= MAX_VARIANT_LENGTH ? value : undefined;
}

function ownEntry<Value>(entries: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

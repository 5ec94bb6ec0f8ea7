import { isRecord, ownProperty } from '../../lib/record.ts';
import type { Evaluation, EvaluationContext, JsonValue, Segments } from '../../wire.ts';
import { attributesOf, parseAttribute } from '../attribute.ts';
import { bucketOf } from '../bucket.ts';
import { type Bucketing, bucketingOf, isWellFormedRule, rolloutParts } from '../cohort.ts';
import type { CompiledSegments } from '../compiled-segments.ts';
import { asCompiled, evaluate, isTargeted } from '../evaluate.ts';
import { readUnit, variantAt } from '../program.ts';
import { type AttributeKind, attributeKind, type ConditionTrace, traceCondition } from './condition-trace.ts';

/** Why a flag or limit has its value for a context. It holds the values of rules, but no value of an attribute. */
export interface Explanation<Value = JsonValue> {
  readonly key: string;
  /** The result of `evaluate`; from a client, the result of `flagDetails` or `limitDetails`. */
  readonly evaluation: Evaluation<Value> & { readonly errorCode?: string };
  /** Whether the value is targeted, or the same for everyone. */
  readonly isTargeted: boolean;
  /** Every rule in order, including those after the one that matched. */
  readonly rules: readonly RuleTrace[];
  /** The cohort's own rollout, if there is one and no rule matched. */
  readonly rollout?: RolloutTrace;
}

/** The result of a rule. `not-reached`: an earlier one matched. `malformed`: it never matches. */
export interface RuleTrace {
  /** From 0. */
  readonly index: number;
  readonly id?: string;
  readonly outcome: 'matched' | 'not-matched' | 'not-reached' | 'malformed';
  /** The condition, if the rule was reached. */
  readonly when?: ConditionTrace;
  /** The rollout, if the rule matched and has one. */
  readonly rollout?: RolloutTrace;
}

/** How a rollout chose a variant, or none. */
export interface RolloutTrace {
  readonly outcome: 'variant' | 'past-variants' | 'nothing-to-bucket-by' | 'malformed';
  /** The attribute that decides the bucket. */
  readonly bucketBy?: string;
  readonly kind?: AttributeKind;
  readonly salt?: string;
  /** 0–9999. */
  readonly bucket?: number;
  /** For each variant, the bucket after its last. */
  readonly ends?: readonly number[];
  /** Index of the variant, from 0. */
  readonly variant?: number;
}

interface Walk {
  readonly attributes: EvaluationContext;
  readonly segments: CompiledSegments;
  readonly bucketing: Bucketing;
}

/**
 * Evaluates as `evaluate` does, and traces each rule, condition and rollout. For tests, the command line and consoles: it
 * compiles everything on each call. Never throws.
 *
 * @example
 * const { evaluation, rules } = explain('freeShipping', stored, { country: 'NL' }, segments);
 */
export function explain(
  key: string,
  stored: JsonValue,
  context: EvaluationContext = {},
  segments: CompiledSegments | Segments = {},
): Explanation {
  const compiled = asCompiled(segments);
  const evaluation = evaluate(key, stored, context, compiled);
  if (!isTargeted(stored)) return { key, evaluation, isTargeted: false, rules: [] };
  const cohort = isRecord(stored.$cohort) ? stored.$cohort : {};
  const walk: Walk = {
    attributes: attributesOf(context),
    segments: compiled,
    bucketing: bucketingOf(key, cohort),
  };
  const rules = traceRules(ownProperty(cohort, 'rules'), walk);
  const isDecided = rules.some(({ outcome }) => outcome === 'matched');
  const hasRollout = !isDecided && Object.hasOwn(cohort, 'rollout');
  return {
    key,
    evaluation,
    isTargeted: true,
    rules,
    ...(hasRollout && { rollout: traceRollout(cohort.rollout, walk) }),
  };
}

function traceRules(rules: unknown, walk: Walk): RuleTrace[] {
  const traces: RuleTrace[] = [];
  let isDecided = false;
  for (const [index, rule] of (Array.isArray(rules) ? (rules as unknown[]) : []).entries()) {
    const trace = traceRule(rule, index, isDecided ? undefined : walk);
    isDecided ||= trace.outcome === 'matched';
    traces.push(trace);
  }
  return traces;
}

/** Without a walk, the rule was not reached. */
function traceRule(rule: unknown, index: number, walk: Walk | undefined): RuleTrace {
  const id = isRecord(rule) ? ownProperty(rule, 'id') : undefined;
  const named = { index, ...(typeof id === 'string' && { id }) };
  if (!isWellFormedRule(rule)) return { ...named, outcome: 'malformed' };
  if (walk === undefined) return { ...named, outcome: 'not-reached' };
  const when = traceCondition(ownProperty(rule, 'when'), walk.attributes, walk.segments);
  if (!when.matched) return { ...named, outcome: 'not-matched', when };
  const hasRollout = Object.hasOwn(rule, 'rollout');
  return {
    ...named,
    outcome: 'matched',
    when,
    ...(hasRollout && { rollout: traceRollout(rule.rollout, walk) }),
  };
}

function traceRollout(rollout: unknown, { attributes, bucketing }: Walk): RolloutTrace {
  const parts = rolloutParts(rollout, bucketing);
  if (parts === undefined) return { outcome: 'malformed' };
  const { bucketBy, salt, variants } = parts;
  const kind = attributeKind(attributes, bucketBy);
  const unit = readUnit(attributes, parseAttribute(bucketBy));
  if (unit === undefined) return { outcome: 'nothing-to-bucket-by', bucketBy, kind, salt };
  const bucket = bucketOf(salt, unit);
  const ends = variants.map(({ end }) => end);
  const variant = variantAt(variants, bucket);
  const bucketed = { bucketBy, kind, salt, bucket, ends };
  return variant === undefined
    ? { outcome: 'past-variants', ...bucketed }
    : { outcome: 'variant', ...bucketed, variant: variants.indexOf(variant) };
}

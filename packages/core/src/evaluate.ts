import { type Attribute, parseAttribute, readAttribute } from './attribute.ts';
import { BUCKETS, bucketAfter, prepareSalt } from './bucket.ts';
import { CompiledSegments } from './compiled-segments.ts';
import type { ConditionTest } from './conditions.ts';
import { isRecord, ownProperty } from './own-property.ts';
import type { Evaluation, EvaluationContext, JsonValue, Segments } from './wire.ts';

/** A stored value that {@link compile} has prepared. It never throws; its answers may be shared and are not to be written to. */
export type CompiledEvaluation = (context?: EvaluationContext) => Evaluation;

const NO_CONTEXT: EvaluationContext = Object.freeze({});
const NO_SEGMENTS = new CompiledSegments({});
const DEFAULT_BUCKET_BY = 'userId';

/** How a matching rule, or a cohort without one, answers. */
type Answer = (context: EvaluationContext) => Evaluation;

interface CompiledRule {
  readonly test: ConditionTest;
  readonly answer: Answer;
}

interface Cohort {
  readonly defaultValue: JsonValue;
  readonly bucketBy: unknown;
  readonly salt: unknown;
}

/**
 * Evaluates a stored value for a context. Pure, and never throws: a malformed part never matches, and a `$cohort`
 * that is no object answers `null` with source `default`. Where one value is evaluated often, use {@link compile}.
 *
 * @example
 * const { value } = evaluate('newCheckout', ruleset.flags.newCheckout, { userId: 'u1' }, ruleset.segments);
 */
export function evaluate(
  key: string,
  stored: JsonValue,
  context: EvaluationContext = NO_CONTEXT,
  segments?: Segments,
): Evaluation {
  return compile(key, stored, segments)(context);
}

/**
 * Prepares a stored value once, for many evaluations: what can be parsed, looked up or hashed beforehand is.
 * Flags of one environment share their segments through `compileSegments`.
 */
export function compile(
  key: string,
  stored: JsonValue,
  segments: CompiledSegments | Segments = NO_SEGMENTS,
): CompiledEvaluation {
  if (!isRecord(stored) || !Object.hasOwn(stored, '$cohort')) {
    return constant({ value: stored, source: 'raw' });
  }
  const cohort = stored.$cohort;
  if (!isRecord(cohort)) return constant({ value: null, source: 'default' });
  const compiled = segments instanceof CompiledSegments ? segments : new CompiledSegments(segments);
  return compileCohort(key, cohort, compiled);
}

function compileCohort(
  key: string,
  stored: Record<string, unknown>,
  segments: CompiledSegments,
): CompiledEvaluation {
  const cohort: Cohort = {
    defaultValue: storedValue(stored, 'defaultValue'),
    bucketBy: ownProperty(stored, 'bucketBy') ?? DEFAULT_BUCKET_BY,
    salt: ownProperty(stored, 'salt') ?? key,
  };
  const rules = compileRules(ownProperty(stored, 'rules'), cohort, segments);
  const otherwise: Answer = Object.hasOwn(stored, 'rollout')
    ? compileRollout(stored.rollout, cohort, undefined)
    : constant({ value: cohort.defaultValue, source: 'default' });
  const [rule] = rules;
  if (rule === undefined) return (context) => otherwise(context ?? NO_CONTEXT);
  return (context) => {
    const subject = context ?? NO_CONTEXT;
    for (const { test, answer } of rules) if (test(subject)) return answer(subject);
    return otherwise(subject);
  };
}

function compileRules(rules: unknown, cohort: Cohort, segments: CompiledSegments): CompiledRule[] {
  if (!Array.isArray(rules)) return [];
  return rules
    .map((rule: unknown) => compileRule(rule, cohort, segments))
    .filter((rule) => rule !== undefined);
}

/** A rule without an id, or without exactly one of `value` and `rollout`, is malformed and never matches. */
function compileRule(rule: unknown, cohort: Cohort, segments: CompiledSegments): CompiledRule | undefined {
  if (!isRecord(rule)) return undefined;
  const id = ownProperty(rule, 'id');
  const hasValue = Object.hasOwn(rule, 'value');
  if (typeof id !== 'string' || hasValue === Object.hasOwn(rule, 'rollout')) return undefined;
  const test = segments.compile(ownProperty(rule, 'when'));
  const answer = hasValue
    ? constant({ value: storedValue(rule, 'value'), source: 'rule', matchedRuleId: id })
    : compileRollout(rule.rollout, cohort, id);
  return { test, answer };
}

/** A malformed rollout misses, without a bucket: nobody is to get a value by a guess at what was meant. */
function compileRollout(rollout: unknown, cohort: Cohort, ruleId: string | undefined): Answer {
  const matched = ruleId === undefined ? {} : { matchedRuleId: ruleId };
  const missed = constant({ value: cohort.defaultValue, source: 'default', ...matched });
  if (!isRecord(rollout)) return missed;
  const bucketBy = ownProperty(rollout, 'bucketBy') ?? cohort.bucketBy;
  const salt = ownProperty(rollout, 'salt') ?? cohort.salt;
  const variants = compileVariants(ownProperty(rollout, 'variants'));
  if (typeof bucketBy !== 'string' || typeof salt !== 'string' || variants === undefined) return missed;

  const attribute = parseAttribute(bucketBy);
  const prepared = prepareSalt(salt);
  const { ends, values } = variants;
  return (context) => {
    const unit = readUnit(context, attribute);
    if (unit === undefined) return missed();
    const bucket = bucketAfter(prepared, unit);
    let index = 0;
    while (index < ends.length && bucket >= (ends[index] ?? BUCKETS)) index++;
    const isHit = index < ends.length;
    const value = isHit ? (values[index] ?? null) : cohort.defaultValue;
    const source = isHit ? 'rollout' : 'default';
    const rolloutBucket = Math.floor(bucket / 100);
    return ruleId === undefined
      ? { value, source, rolloutBucket }
      : { value, source, matchedRuleId: ruleId, rolloutBucket };
  };
}

interface CompiledVariants {
  /** For each variant, the bucket after its last. */
  readonly ends: readonly number[];
  readonly values: readonly JsonValue[];
}

function compileVariants(variants: unknown): CompiledVariants | undefined {
  if (!Array.isArray(variants)) return undefined;
  const ends: number[] = [];
  const values: JsonValue[] = [];
  let end = 0;
  for (const variant of variants as unknown[]) {
    if (!isRecord(variant) || !Object.hasOwn(variant, 'value')) return undefined;
    const weight = ownProperty(variant, 'weight');
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 100)) return undefined;
    end += Math.round(weight * 100);
    ends.push(end);
    values.push(storedValue(variant, 'value'));
  }
  return { ends, values };
}

/** What a context is bucketed by, as a string; `undefined` where it is missing. */
function readUnit(context: EvaluationContext, attribute: Attribute): string | undefined {
  try {
    const unit = readAttribute(context, attribute);
    if (typeof unit === 'string') return unit === '' ? undefined : unit;
    return typeof unit === 'number' || typeof unit === 'boolean' ? String(unit) : undefined;
  } catch {
    // A getter or a proxy in the context threw: the attribute is missing.
    return undefined;
  }
}

/** Stored values came out of JSON, so an own property is a JSON value. */
function storedValue(record: Record<string, unknown>, name: string): JsonValue {
  return (ownProperty(record, name) ?? null) as JsonValue;
}

/** One frozen answer for every context. */
function constant(answer: Evaluation): () => Evaluation {
  const frozen = Object.freeze(answer);
  return () => frozen;
}

import { isRecord, ownProperty } from '../lib/record.ts';
import type { EvaluationContext, EvaluationSource, JsonValue } from '../wire.ts';
import { type Attribute, asSubject, parseAttribute, readAttribute } from './attribute.ts';
import { bucketAfter, type HashState, prepareSalt } from './bucket.ts';
import { type ConditionNode, holds, never } from './condition-node.ts';

const DEFAULT_BUCKET_BY = 'userId';

/** An answer with how it came about. */
export interface Details<Value> {
  value: Value;
  source: EvaluationSource;
  matchedRuleId?: string;
  rolloutBucket?: number;
  errorCode?: string;
}

/** What is served for a stored value. */
export interface ParsedValue<Value> {
  readonly value: Value;
  /** It is not the stored value, which may not be served: the answer is a default, and says why. */
  readonly isRefused: boolean;
}

/** Where a stored value stands, for messages: `rules[0].rollout.variants[1]`, and the rule's id. */
export interface ValuePlace {
  readonly path: string;
  readonly ruleId: string | undefined;
}

/**
 * Looks at each value that the program can answer, once; the first is the cohort's default (`undefined` where it has
 * none). What is served for a refused value other than that is the default's.
 */
export type ValueParser<Value> = (stored: JsonValue | undefined, place: ValuePlace) => ParsedValue<Value>;

/** A stored value, prepared for many evaluations. All programs have one shape. */
export interface Program<Value> {
  readonly rules: readonly Outcome<Value>[];
  /** When no rule matched; its own condition is not looked at. */
  readonly otherwise: Outcome<Value>;
}

interface Outcome<Value> {
  readonly when: ConditionNode;
  /** The answer without a rollout, and of a rollout that gives no variant; frozen and shared. */
  readonly answer: Details<Value>;
  readonly rollout: ProgramRollout<Value> | undefined;
}

interface ProgramRollout<Value> {
  /** The rule whose rollout it is. */
  readonly ruleId: string | undefined;
  readonly attribute: Attribute;
  readonly salt: HashState;
  readonly variants: readonly Variant<Value>[];
}

interface Variant<Value> extends ParsedValue<Value> {
  /** The bucket after its last. */
  readonly end: number;
}

/** What rollouts take from their cohort, whatever it is. */
export interface Bucketing {
  readonly bucketBy: unknown;
  readonly salt: unknown;
}

/** Prepares a rule's condition. */
export interface ConditionCompiler {
  compile: (condition: unknown) => ConditionNode;
}

interface CohortParts<Value> extends Bucketing {
  readonly conditions: ConditionCompiler;
  readonly parse: ValueParser<Value>;
  readonly fallback: ParsedValue<Value>;
}

const NO_RULES: readonly never[] = [];

/** A program that answers the same for every context. */
export function constantProgram<Value>(answer: Details<Value>): Program<Value> {
  return { rules: NO_RULES, otherwise: { when: never, answer: Object.freeze(answer), rollout: undefined } };
}

/** Prepares a cohort. Never throws: what is malformed never matches. */
export function compileCohort<Value>(
  key: string,
  stored: Record<string, unknown>,
  conditions: ConditionCompiler,
  parse: ValueParser<Value>,
): Program<Value> {
  const defaultValue = ownProperty(stored, 'defaultValue') as JsonValue | undefined;
  const fallback = parse(defaultValue, { path: 'defaultValue', ruleId: undefined });
  const cohort: CohortParts<Value> = { conditions, parse, fallback, ...bucketingOf(key, stored) };
  const storedRules = ownProperty(stored, 'rules');
  const compiled = (Array.isArray(storedRules) ? (storedRules as unknown[]) : []).map((rule, index) =>
    compileRule(rule, index, cohort),
  );
  const { answer, rollout } = Object.hasOwn(stored, 'rollout')
    ? compileRollout(stored.rollout, { path: 'rollout', ruleId: undefined }, cohort)
    : { answer: missedAnswer(fallback, undefined), rollout: undefined };
  // A list that `push` or `filter` makes has room to spare, and thousands of them are held at once.
  const rules = compiled.filter((rule) => rule !== undefined).slice();
  return { rules, otherwise: { when: never, answer, rollout } };
}

/** What the rollouts of a cohort are bucketed by, and under which salt, unless they say otherwise. */
export function bucketingOf(key: string, cohort: Record<string, unknown>): Bucketing {
  return {
    bucketBy: ownProperty(cohort, 'bucketBy') ?? DEFAULT_BUCKET_BY,
    salt: ownProperty(cohort, 'salt') ?? key,
  };
}

/** The value for a context. Never throws; allocates nothing where it is bucketed by a string of ASCII characters. */
export function valueFor<Value>(program: Program<Value>, context: EvaluationContext): Value {
  const subject = asSubject(context);
  const { answer, rollout } = outcomeFor(program, subject);
  if (rollout === undefined) return answer.value;
  const bucket = bucketFor(rollout, subject);
  const variant = bucket < 0 ? undefined : variantAt(rollout.variants, bucket);
  return variant === undefined ? answer.value : variant.value;
}

/** The answer for a context with how it came about; it may be shared and is not to be written to. Never throws. */
export function detailsFor<Value>(program: Program<Value>, context: EvaluationContext): Details<Value> {
  const subject = asSubject(context);
  const { answer, rollout } = outcomeFor(program, subject);
  if (rollout === undefined) return answer;
  const bucket = bucketFor(rollout, subject);
  if (bucket < 0) return answer;
  const variant = variantAt(rollout.variants, bucket);
  if (variant?.isRefused === true) return refusedAnswer(variant.value);
  if (variant === undefined && answer.errorCode !== undefined) return answer;
  const value = variant === undefined ? answer.value : variant.value;
  const source = variant === undefined ? 'default' : 'rollout';
  const rolloutBucket = Math.floor(bucket / 100);
  const matchedRuleId = rollout.ruleId;
  return matchedRuleId === undefined
    ? { value, source, rolloutBucket }
    : { value, source, matchedRuleId, rolloutBucket };
}

/** The first rule that matches, else what there is without one. */
function outcomeFor<Value>(program: Program<Value>, subject: EvaluationContext): Outcome<Value> {
  const { rules } = program;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule !== undefined && holds(rule.when, subject)) return rule;
  }
  return program.otherwise;
}

/** The bucket of a context, -1 where there is nothing to bucket it by. */
function bucketFor({ attribute, salt }: ProgramRollout<unknown>, subject: EvaluationContext): number {
  const unit = readUnit(subject, attribute);
  return unit === undefined ? -1 : bucketAfter(salt, unit);
}

/** The variant that owns a bucket; `undefined` where it lies past all of them. */
export function variantAt<Owner extends { readonly end: number }>(
  variants: readonly Owner[],
  bucket: number,
): Owner | undefined {
  for (let index = 0; index < variants.length; index++) {
    const variant = variants[index];
    if (variant !== undefined && bucket < variant.end) return variant;
  }
  return undefined;
}

/** What a context is bucketed by, as a string; `undefined` where it is missing. */
export function readUnit(subject: EvaluationContext, attribute: Attribute): string | undefined {
  try {
    const unit = readAttribute(subject, attribute);
    if (typeof unit === 'string') return unit === '' ? undefined : unit;
    return typeof unit === 'number' || typeof unit === 'boolean' ? String(unit) : undefined;
  } catch {
    // A getter or a proxy in the context threw: the attribute is missing.
    return undefined;
  }
}

/** A rule without an id, or without exactly one of `value` and `rollout`, is malformed and never matches. */
export function isWellFormedRule(rule: unknown): rule is Record<string, unknown> & { id: string } {
  return (
    isRecord(rule) &&
    typeof ownProperty(rule, 'id') === 'string' &&
    Object.hasOwn(rule, 'value') !== Object.hasOwn(rule, 'rollout')
  );
}

function compileRule<Value>(
  rule: unknown,
  index: number,
  cohort: CohortParts<Value>,
): Outcome<Value> | undefined {
  if (!isWellFormedRule(rule)) return undefined;
  const { id } = rule;
  const when = cohort.conditions.compile(ownProperty(rule, 'when'));
  if (Object.hasOwn(rule, 'rollout')) {
    const place = { path: `rules[${index}].rollout`, ruleId: id };
    const { answer, rollout } = compileRollout(rule.rollout, place, cohort);
    return { when, answer, rollout };
  }
  const served = cohort.parse(storedValue(rule), { path: `rules[${index}].value`, ruleId: id });
  const answer: Details<Value> = served.isRefused
    ? refusedAnswer(cohort.fallback.value)
    : Object.freeze({ value: served.value, source: 'rule', matchedRuleId: id });
  return { when, answer, rollout: undefined };
}

/** A malformed rollout misses, without a bucket: nobody is to get a value by a guess at what was meant. */
function compileRollout<Value>(
  rollout: unknown,
  place: ValuePlace,
  cohort: CohortParts<Value>,
): Pick<Outcome<Value>, 'answer' | 'rollout'> {
  const answer = missedAnswer(cohort.fallback, place.ruleId);
  const parts = rolloutParts(rollout, cohort);
  if (parts === undefined) return { answer, rollout: undefined };
  const variants = parts.variants.map(({ stored, end }, index): Variant<Value> => {
    const served = cohort.parse(stored, { ...place, path: `${place.path}.variants[${index}]` });
    const { isRefused } = served;
    return { end, value: isRefused ? cohort.fallback.value : served.value, isRefused };
  });
  const attribute = parseAttribute(parts.bucketBy);
  const salt = prepareSalt(parts.salt);
  return { answer, rollout: { ruleId: place.ruleId, attribute, salt, variants } };
}

/** A rollout that is well-formed, with what it takes from its cohort. */
export interface RolloutParts {
  readonly bucketBy: string;
  readonly salt: string;
  readonly variants: readonly { readonly stored: JsonValue; readonly end: number }[];
}

/** Takes a rollout apart; `undefined` where it is malformed. */
export function rolloutParts(rollout: unknown, cohort: Bucketing): RolloutParts | undefined {
  if (!isRecord(rollout)) return undefined;
  const bucketBy = ownProperty(rollout, 'bucketBy') ?? cohort.bucketBy;
  const salt = ownProperty(rollout, 'salt') ?? cohort.salt;
  const stored = ownProperty(rollout, 'variants');
  if (typeof bucketBy !== 'string' || typeof salt !== 'string' || !Array.isArray(stored)) return undefined;
  const variants: { stored: JsonValue; end: number }[] = [];
  let end = 0;
  for (const variant of stored as unknown[]) {
    if (!isRecord(variant) || !Object.hasOwn(variant, 'value')) return undefined;
    const weight = ownProperty(variant, 'weight');
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 100)) return undefined;
    end += Math.round(weight * 100);
    variants.push({ stored: storedValue(variant), end });
  }
  return { bucketBy, salt, variants };
}

function missedAnswer<Value>(fallback: ParsedValue<Value>, ruleId: string | undefined): Details<Value> {
  if (fallback.isRefused) return refusedAnswer(fallback.value);
  const { value } = fallback;
  return Object.freeze(
    ruleId === undefined ? { value, source: 'default' } : { value, source: 'default', matchedRuleId: ruleId },
  );
}

/** In the place of a value that may not be served. */
function refusedAnswer<Value>(value: Value): Details<Value> {
  return Object.freeze({ value, source: 'default', errorCode: 'ERR_VALUE_INVALID' });
}

/** Stored values came out of JSON, so an own property is a JSON value. */
function storedValue(record: Record<string, unknown>): JsonValue {
  return (ownProperty(record, 'value') ?? null) as JsonValue;
}

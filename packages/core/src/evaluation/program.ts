import { isRecord, ownProperty } from '../lib/record.ts';
import type { EvaluationContext, EvaluationSource, JsonValue } from '../wire.ts';
import { type Attribute, attributesOf, parseAttribute, readAttribute } from './attribute.ts';
import { bucketAfter, type HashState, prepareSalt } from './bucket.ts';
import { type ConditionNode, holds, never } from './condition-node.ts';

const DEFAULT_BUCKET_BY = 'userId';

/** A value, and why it was chosen. */
export interface Details<Value> {
  value: Value;
  source: EvaluationSource;
  matchedRuleId?: string;
  rolloutBucket?: number;
  errorCode?: string;
}

/** A stored value after its schema was applied. */
export interface ParsedValue<Value> {
  readonly value: Value;
  /** The schema refused the stored value, and `value` is a default in its place. */
  readonly isRefused: boolean;
}

/** The place of a value inside its cohort, for messages. `path` is such as `rules[0].rollout.variants[1]`. */
export interface ValuePlace {
  readonly path: string;
  readonly ruleId: string | undefined;
}

/**
 * Parses every possible result once. The cohort's default comes first (`undefined` if there is none); its result replaces
 * each refused value.
 */
export type ValueParser<Value> = (stored: JsonValue | undefined, place: ValuePlace) => ParsedValue<Value>;

/** A stored value, compiled for many evaluations. All programs have the same shape, which keeps reads fast. */
export interface Program<Value> {
  readonly rules: readonly Branch<Value>[];
  /** Taken when no rule matches; its own condition is not evaluated. */
  readonly fallthrough: Branch<Value>;
}

interface Branch<Value> {
  readonly when: ConditionNode;
  /** The result without a rollout, or if the rollout gives no variant. Frozen and shared. */
  readonly details: Details<Value>;
  readonly rollout: ProgramRollout<Value> | undefined;
}

interface ProgramRollout<Value> {
  /** Undefined for the cohort's own rollout. */
  readonly ruleId: string | undefined;
  readonly attribute: Attribute;
  readonly salt: HashState;
  readonly variants: readonly Variant<Value>[];
}

interface Variant<Value> extends ParsedValue<Value> {
  /** The first bucket after this variant's. */
  readonly end: number;
}

/** The bucketing settings of a cohort, as stored; its rollouts inherit them. */
export interface Bucketing {
  readonly bucketBy: unknown;
  readonly salt: unknown;
}

export interface ConditionCompiler {
  compile: (condition: unknown) => ConditionNode;
}

interface CompileOptions<Value> {
  readonly conditions: ConditionCompiler;
  readonly parse: ValueParser<Value>;
}

/** What the rules and rollouts of a cohort share. */
interface Cohort<Value> extends CompileOptions<Value>, Bucketing {
  readonly defaultValue: ParsedValue<Value>;
}

/** Compiles a cohort. Never throws: a malformed part never matches. */
export function compileCohort<Value>(
  key: string,
  stored: Record<string, unknown>,
  { conditions, parse }: CompileOptions<Value>,
): Program<Value> {
  const storedDefault = ownProperty(stored, 'defaultValue') as JsonValue | undefined;
  const defaultValue = parse(storedDefault, { path: 'defaultValue', ruleId: undefined });
  const cohort: Cohort<Value> = { conditions, parse, defaultValue, ...bucketingOf(key, stored) };
  const storedRules = ownProperty(stored, 'rules');
  const compiled = (Array.isArray(storedRules) ? (storedRules as unknown[]) : []).map((rule, index) =>
    compileRule(rule, index, cohort),
  );
  const { details, rollout } = Object.hasOwn(stored, 'rollout')
    ? compileRollout(stored.rollout, { path: 'rollout', ruleId: undefined }, cohort)
    : { details: defaultDetails(defaultValue, undefined), rollout: undefined };
  // An array that `push` or `filter` makes has spare capacity, and thousands of them are held at once.
  const rules = compiled.filter((rule) => rule !== undefined).slice();
  return { rules, fallthrough: { when: never, details, rollout } };
}

/** The bucketing settings of a cohort, with their defaults. */
export function bucketingOf(key: string, cohort: Record<string, unknown>): Bucketing {
  return {
    bucketBy: ownProperty(cohort, 'bucketBy') ?? DEFAULT_BUCKET_BY,
    salt: ownProperty(cohort, 'salt') ?? key,
  };
}

/** Evaluates to a value. Never throws; allocates nothing if it is bucketed by an ASCII string. */
export function evaluateValue<Value>(program: Program<Value>, context: EvaluationContext): Value {
  const attributes = attributesOf(context);
  const { details, rollout } = selectBranch(program, attributes);
  if (rollout === undefined) return details.value;
  const bucket = bucketFor(rollout, attributes);
  const variant = bucket < 0 ? undefined : variantAt(rollout.variants, bucket);
  return variant === undefined ? details.value : variant.value;
}

/** Evaluates to a value and why it was chosen. The result may be frozen and shared. Never throws. */
export function evaluateDetails<Value>(program: Program<Value>, context: EvaluationContext): Details<Value> {
  const attributes = attributesOf(context);
  const { details, rollout } = selectBranch(program, attributes);
  if (rollout === undefined) return details;
  const bucket = bucketFor(rollout, attributes);
  if (bucket < 0) return details;
  const variant = variantAt(rollout.variants, bucket);
  if (variant?.isRefused === true) return refusedDetails(variant.value);
  if (variant === undefined && details.errorCode !== undefined) return details;
  const value = variant === undefined ? details.value : variant.value;
  const source = variant === undefined ? 'default' : 'rollout';
  const rolloutBucket = Math.floor(bucket / 100);
  const matchedRuleId = rollout.ruleId;
  return matchedRuleId === undefined
    ? { value, source, rolloutBucket }
    : { value, source, matchedRuleId, rolloutBucket };
}

/** The first rule that matches, else the fallthrough. */
function selectBranch<Value>(program: Program<Value>, attributes: EvaluationContext): Branch<Value> {
  const { rules } = program;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule !== undefined && holds(rule.when, attributes)) return rule;
  }
  return program.fallthrough;
}

/** The bucket of a context; -1 if the attribute to bucket by is missing. */
function bucketFor({ attribute, salt }: ProgramRollout<unknown>, attributes: EvaluationContext): number {
  const unit = readUnit(attributes, attribute);
  return unit === undefined ? -1 : bucketAfter(salt, unit);
}

/** The variant that owns a bucket; `undefined` if the bucket is past all of them. */
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

/** The unit: the attribute to bucket by, as a string; `undefined` if it is missing or has another type. */
export function readUnit(attributes: EvaluationContext, attribute: Attribute): string | undefined {
  try {
    const unit = readAttribute(attributes, attribute);
    if (typeof unit === 'string') return unit === '' ? undefined : unit;
    return typeof unit === 'number' || typeof unit === 'boolean' ? String(unit) : undefined;
  } catch {
    // A getter or a proxy in the context threw: the attribute is missing.
    return undefined;
  }
}

/** Whether a rule has an id and exactly one of `value` and `rollout`; else it never matches. */
export function isWellFormedRule(rule: unknown): rule is Record<string, unknown> & { id: string } {
  return (
    isRecord(rule) &&
    typeof ownProperty(rule, 'id') === 'string' &&
    Object.hasOwn(rule, 'value') !== Object.hasOwn(rule, 'rollout')
  );
}

function compileRule<Value>(rule: unknown, index: number, cohort: Cohort<Value>): Branch<Value> | undefined {
  if (!isWellFormedRule(rule)) return undefined;
  const { id } = rule;
  const when = cohort.conditions.compile(ownProperty(rule, 'when'));
  if (Object.hasOwn(rule, 'rollout')) {
    const place = { path: `rules[${index}].rollout`, ruleId: id };
    const { details, rollout } = compileRollout(rule.rollout, place, cohort);
    return { when, details, rollout };
  }
  const parsed = cohort.parse(storedValue(rule), { path: `rules[${index}].value`, ruleId: id });
  const details: Details<Value> = parsed.isRefused
    ? refusedDetails(cohort.defaultValue.value)
    : Object.freeze({ value: parsed.value, source: 'rule', matchedRuleId: id });
  return { when, details, rollout: undefined };
}

/** A malformed rollout gives everyone the default: guessing what was meant could give a value to the wrong people. */
function compileRollout<Value>(
  rollout: unknown,
  place: ValuePlace,
  cohort: Cohort<Value>,
): Pick<Branch<Value>, 'details' | 'rollout'> {
  const details = defaultDetails(cohort.defaultValue, place.ruleId);
  const parts = rolloutParts(rollout, cohort);
  if (parts === undefined) return { details, rollout: undefined };
  const variants = parts.variants.map(({ stored, end }, index): Variant<Value> => {
    const parsed = cohort.parse(stored, { ...place, path: `${place.path}.variants[${index}]` });
    const { isRefused } = parsed;
    return { end, value: isRefused ? cohort.defaultValue.value : parsed.value, isRefused };
  });
  const attribute = parseAttribute(parts.bucketBy);
  const salt = prepareSalt(parts.salt);
  return { details, rollout: { ruleId: place.ruleId, attribute, salt, variants } };
}

/** A well-formed rollout, with the settings that it inherits from its cohort. */
export interface RolloutParts {
  readonly bucketBy: string;
  readonly salt: string;
  readonly variants: readonly { readonly stored: JsonValue; readonly end: number }[];
}

/** Reads a rollout; `undefined` if it is malformed. */
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

function defaultDetails<Value>(defaultValue: ParsedValue<Value>, ruleId: string | undefined): Details<Value> {
  if (defaultValue.isRefused) return refusedDetails(defaultValue.value);
  const { value } = defaultValue;
  return Object.freeze(
    ruleId === undefined ? { value, source: 'default' } : { value, source: 'default', matchedRuleId: ruleId },
  );
}

/** `value` is the default in place of one that the schema refused. */
function refusedDetails<Value>(value: Value): Details<Value> {
  return Object.freeze({ value, source: 'default', errorCode: 'ERR_VALUE_INVALID' });
}

/** Stored values come from JSON, so an own property is a JSON value. */
function storedValue(record: Record<string, unknown>): JsonValue {
  return (ownProperty(record, 'value') ?? null) as JsonValue;
}

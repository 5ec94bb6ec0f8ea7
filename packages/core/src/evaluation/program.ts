import type { EvaluationContext, EvaluationSource } from '../wire.ts';
import { type Attribute, attributesOf, readAttribute } from './attribute.ts';
import { bucketAfter, type HashState } from './bucket.ts';
import { type ConditionNode, hasElement, holds } from './condition-node.ts';

/** A value, and why it was chosen. */
export interface Details<Value> {
  value: Value;
  source: EvaluationSource;
  matchedRuleId?: string;
  rolloutBucket?: number;
  errorCode?: string;
}

/**
 * A cohort, compiled for many evaluations. Its shape says how to evaluate and is shared by all programs of the same
 * structure; the rest is what differs between them.
 */
export interface Program<Value> {
  readonly rules: ProgramShape['rules'];
  readonly fallthrough: ProgramShape['fallthrough'];
  /** The operands of each rule's comparison, followed by the rule's id. */
  readonly scalars: readonly unknown[];
  /** The conditions that are more than a comparison with a few operands. */
  readonly conditions: readonly ConditionNode[];
  /** Used most often, so it is not only in `values`. */
  readonly defaultValue: Value;
  /** The parsed values, each once. The first is the default, which also replaces those that the schema refused. */
  readonly values: readonly Value[];
  /** The cohort's salt; undefined if no rollout uses it. */
  readonly salt: HashState | undefined;
  /** The most frequent details. Made at their first use, then shared. */
  defaultDetails: Details<Value> | undefined;
}

export interface ProgramShape {
  readonly rules: readonly RuleShape[];
  /** For contexts that no rule matches. Its own condition is not evaluated, and it has no id. */
  readonly fallthrough: RuleShape;
}

/** What to do for some contexts. All have the same properties in the same order, which keeps reads fast. */
export type RuleShape = ComparisonRule | ConditionRule;

/** The condition of a rule. */
export type RuleCondition =
  | Pick<ComparisonRule, 'attribute' | 'first'>
  | Pick<ConditionRule, 'attribute' | 'first'>;

export interface RuleOutcome {
  /** Index of the rule's id in `scalars`. */
  readonly id: number;
  /** Index in `values`. */
  readonly value: number;
  readonly isRefused: boolean;
  readonly rollout: RolloutShape | undefined;
}

/** A rule whose condition is that an attribute equals one of a few operands. */
interface ComparisonRule extends RuleOutcome {
  readonly attribute: Attribute;
  /** Index of the first operand in `scalars`; the operands end at the rule's id. There is at least one. */
  readonly first: number;
}

interface ConditionRule extends RuleOutcome {
  readonly attribute: undefined;
  /** Index of the condition in `conditions`. */
  readonly first: number;
}

export interface RolloutShape {
  /** The attribute to bucket by; undefined if the rollout is malformed, so that everyone gets the default. */
  readonly attribute: Attribute | undefined;
  /** Its own salt; undefined if it has the cohort's. */
  readonly salt: HashState | undefined;
  readonly variants: readonly VariantShape[];
}

interface VariantShape {
  /** The first bucket after this variant's. */
  readonly end: number;
  /** Index in `values`. */
  readonly value: number;
  readonly isRefused: boolean;
}

/** Index of the default in `values`. */
export const DEFAULT_VALUE = 0;
/** In place of an index: the fallthrough has neither a condition nor an id. */
export const NONE = -1;

/** Evaluates to a value. Never throws; allocates nothing if it is bucketed by an ASCII string. */
export function evaluateValue<Value>(program: Program<Value>, context: EvaluationContext): Value {
  const attributes = attributesOf(context);
  const { value, rollout } = matchingRule(program, attributes);
  if (rollout === undefined) return valueAt(program, value);
  const bucket = bucketFor(program, rollout, attributes);
  const variant = bucket < 0 ? undefined : variantAt(rollout.variants, bucket);
  return valueAt(program, variant === undefined ? DEFAULT_VALUE : variant.value);
}

/** Evaluates to a value and why it was chosen. Never throws. */
export function evaluateDetails<Value>(program: Program<Value>, context: EvaluationContext): Details<Value> {
  const attributes = attributesOf(context);
  const { id, value, isRefused, rollout } = matchingRule(program, attributes);
  if (rollout === undefined && id === NONE) return defaultDetails(program);
  const matchedRuleId = ruleIdAt(program, id);
  if (rollout === undefined) {
    return isRefused ? refusedDetails(program) : detailsOf(valueAt(program, value), 'rule', matchedRuleId);
  }
  const bucket = bucketFor(program, rollout, attributes);
  const variant = bucket < 0 ? undefined : variantAt(rollout.variants, bucket);
  if ((variant ?? program.fallthrough).isRefused) return refusedDetails(program);
  const rolled = valueAt(program, variant === undefined ? DEFAULT_VALUE : variant.value);
  const source = variant === undefined ? 'default' : 'rollout';
  if (bucket < 0) return detailsOf(rolled, source, matchedRuleId);
  const rolloutBucket = Math.floor(bucket / 100);
  return matchedRuleId === undefined
    ? { value: rolled, source, rolloutBucket }
    : { value: rolled, source, matchedRuleId, rolloutBucket };
}

/** The first rule whose condition is true, else the fallthrough. */
function matchingRule(
  { rules, fallthrough, scalars, conditions }: Program<unknown>,
  attributes: EvaluationContext,
): RuleShape {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule === undefined) continue;
    if (rule.attribute !== undefined) {
      if (equalsOneOf(rule, scalars, attributes)) return rule;
    } else {
      const condition = conditions[rule.first];
      if (condition !== undefined && holds(condition, attributes)) return rule;
    }
  }
  return fallthrough;
}

/**
 * Whether the attribute, or an element of it, equals an operand. As in {@link holds}, an attribute without dots is read
 * first, and only if its value matches is it checked to be the context's own.
 */
function equalsOneOf(
  { attribute, first, id }: ComparisonRule,
  scalars: readonly unknown[],
  context: EvaluationContext,
): boolean {
  try {
    const { name, path } = attribute;
    const value = path === undefined ? context[name] : readAttribute(context, attribute);
    let index = first;
    do {
      const operand = scalars[index];
      if (value === operand || (typeof value === 'object' && hasElement(value, operand))) {
        return path !== undefined || Object.hasOwn(context, name);
      }
      index++;
    } while (index < id);
    return false;
  } catch {
    // A getter or proxy in the context threw: the attribute is missing.
    return false;
  }
}

/** The bucket of a context; -1 if it has none. */
function bucketFor(
  program: Program<unknown>,
  { attribute, salt }: RolloutShape,
  attributes: EvaluationContext,
): number {
  const state = salt ?? program.salt;
  const unit = attribute === undefined ? undefined : readUnit(attributes, attribute);
  return unit === undefined || state === undefined ? -1 : bucketAfter(state, unit);
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

/** Every index in a shape is one of its program's values. */
function valueAt<Value>({ defaultValue, values }: Program<Value>, index: number): Value {
  return index === DEFAULT_VALUE ? defaultValue : (values[index] as Value);
}

function ruleIdAt({ scalars }: Program<unknown>, index: number): string | undefined {
  if (index === NONE) return undefined;
  const id = scalars[index];
  return typeof id === 'string' ? id : undefined;
}

function detailsOf<Value>(
  value: Value,
  source: EvaluationSource,
  matchedRuleId: string | undefined,
): Details<Value> {
  return matchedRuleId === undefined ? { value, source } : { value, source, matchedRuleId };
}

function defaultDetails<Value>(program: Program<Value>): Details<Value> {
  program.defaultDetails ??= Object.freeze(
    program.fallthrough.isRefused
      ? refusedDetails(program)
      : detailsOf(program.defaultValue, 'default', undefined),
  );
  return program.defaultDetails;
}

/** The default in place of a value that the schema refused. */
function refusedDetails<Value>(program: Program<Value>): Details<Value> {
  return { value: valueAt(program, DEFAULT_VALUE), source: 'default', errorCode: 'ERR_VALUE_INVALID' };
}

import { isRecord, ownProperty } from '../lib/record.ts';
import type { JsonValue } from '../wire.ts';

const DEFAULT_BUCKET_BY = 'userId';

/** A stored value after its schema was applied. */
export interface ParsedValue<Value> {
  readonly value: Value;
  /** The schema refused the stored value, and `value` is a default in its place. */
  readonly isRefused: boolean;
}

/** The place of a value inside its cohort: a rule's value or variant, a variant for everyone, else the default. */
export interface ValuePlace {
  /** Index of the rule. */
  readonly rule: number | undefined;
  readonly ruleId: string | undefined;
  /** Index of the variant. */
  readonly variant: number | undefined;
}

/** Parses a value of a cohort. A default value that is missing is `undefined`. */
export type ValueParser<Value> = (stored: JsonValue | undefined, place: ValuePlace) => ParsedValue<Value>;

/** The place of the default value. */
export const DEFAULT_PLACE: ValuePlace = { rule: undefined, ruleId: undefined, variant: undefined };

/** The path of a place in its cohort, for messages, such as `rules[0].rollout.variants[1]`. */
export function pathOf({ rule, variant }: ValuePlace): string {
  if (rule === undefined && variant === undefined) return 'defaultValue';
  const inRule = rule === undefined ? '' : `rules[${rule}].`;
  return variant === undefined ? `${inRule}value` : `${inRule}rollout.variants[${variant}]`;
}

/** Parses every value that an evaluation could return, in the order in which compiling the cohort parses them. */
export function parseValues(key: string, cohort: Record<string, unknown>, parse: ValueParser<unknown>): void {
  parse(defaultValueOf(cohort), DEFAULT_PLACE);
  const rules = rulesOf(cohort);
  // Loops over an index leave no garbage: a ruleset may have tens of thousands of rules.
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (!isWellFormedRule(rule)) continue;
    const place = { rule: index, ruleId: rule.id, variant: undefined };
    if (!Object.hasOwn(rule, 'rollout')) parse(storedValue(rule), place);
    else parseVariants(rolloutParts(rule.rollout, bucketingOf(key, cohort)), place, parse);
  }
  if (Object.hasOwn(cohort, 'rollout')) {
    parseVariants(rolloutParts(cohort.rollout, bucketingOf(key, cohort)), DEFAULT_PLACE, parse);
  }
}

function parseVariants(
  parts: RolloutParts | undefined,
  { rule, ruleId }: ValuePlace,
  parse: ValueParser<unknown>,
): void {
  if (parts === undefined) return;
  const { variants } = parts;
  for (let variant = 0; variant < variants.length; variant++) {
    parse(variants[variant]?.stored, { rule, ruleId, variant });
  }
}

/** The stored default value; undefined if there is none. */
export function defaultValueOf(cohort: Record<string, unknown>): JsonValue | undefined {
  return ownProperty(cohort, 'defaultValue') as JsonValue | undefined;
}

const NO_RULES: readonly unknown[] = [];

/** The stored rules; they may be malformed. */
export function rulesOf(cohort: Record<string, unknown>): readonly unknown[] {
  const rules = ownProperty(cohort, 'rules');
  return Array.isArray(rules) ? rules : NO_RULES;
}

/** The bucketing settings of a cohort, as stored; its rollouts inherit them. */
export interface Bucketing {
  readonly bucketBy: unknown;
  readonly salt: unknown;
}

/** The bucketing settings of a cohort, with their defaults. */
export function bucketingOf(key: string, cohort: Record<string, unknown>): Bucketing {
  return {
    bucketBy: ownProperty(cohort, 'bucketBy') ?? DEFAULT_BUCKET_BY,
    salt: ownProperty(cohort, 'salt') ?? key,
  };
}

/** Whether a rule has an id and exactly one of `value` and `rollout`; else it never matches. */
export function isWellFormedRule(rule: unknown): rule is Record<string, unknown> & { id: string } {
  return (
    isRecord(rule) &&
    typeof ownProperty(rule, 'id') === 'string' &&
    Object.hasOwn(rule, 'value') !== Object.hasOwn(rule, 'rollout')
  );
}

/** A well-formed rollout, with the settings that it inherits from its cohort. */
export interface RolloutParts {
  readonly bucketBy: string;
  readonly salt: string;
  /** `end`: the first bucket after the variant's. */
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

/** The value of a rule or variant. Stored values come from JSON, so an own property is a JSON value. */
export function storedValue(record: Record<string, unknown>): JsonValue {
  return (ownProperty(record, 'value') ?? null) as JsonValue;
}

import type { InvalidKey } from './errors.ts';
import { compile } from './evaluate.ts';
import { clampLimit } from './limit.ts';
import { type KeyDefinition, parseValue } from './schema.ts';
import { tierNames } from './tiers.ts';
import type { Evaluation, EvaluationContext, JsonValue, Segments, Tier } from './wire.ts';

/** A value that its schema has looked at. */
export type Slot = { ok: true; value: unknown } | { ok: false; issues: string[] };

/** An evaluation with its value parsed by the schema. */
export type ParsedEvaluation = Evaluation<unknown> & { errorCode?: string };

/** A key's stored value, compiled and validated once, when it arrived. */
export interface CompiledKey {
  readonly tier: Tier;
  readonly stored: JsonValue | undefined;
  /** The one value of a key without targeting. */
  readonly fixed: ParsedEvaluation | undefined;
  /** The answer for a context; what does not fit the schema gives the next valid answer with an error code. */
  evaluate(context: EvaluationContext): ParsedEvaluation;
  /** Whether there is a valid value, be it the schema's default. */
  readonly hasValue: boolean;
  /** What is wrong with the stored value. */
  readonly invalid: InvalidKey | undefined;
}

interface CompileInput {
  stored: JsonValue | undefined;
  segments: Segments;
  fallback: Slot;
  before: CompiledKey | undefined;
}

/** The schema's default, parsed. */
export function defaultOf(definition: KeyDefinition): Slot {
  if (definition.limit !== undefined) return { ok: true, value: definition.limit.default };
  return parseValue(definition, undefined);
}

/** Compiles one key. A value that the schema refuses is never served: the last valid one is, or the default. */
export function compileKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  if (input.stored === undefined) return fixedKey(definition, input, undefined);
  const isTargetable = definition.tier === 'feature_flag' || definition.tier === 'limit';
  if (isTargetable && isTargeted(input.stored)) return targetedKey(definition, input, input.stored);
  return fixedKey(definition, input, toSlot(definition, input.stored));
}

function fixedKey(definition: KeyDefinition, input: CompileInput, slot: Slot | undefined): CompiledKey {
  const { stored, fallback, before } = input;
  const fixed = fixedEvaluation(slot, fallback, before);
  return {
    tier: definition.tier,
    stored,
    fixed,
    evaluate: () => fixed,
    hasValue: slot?.ok === true || fallback.ok || (slot !== undefined && before?.fixed?.value !== undefined),
    invalid: describeInvalid(definition, slot ?? fallback, slot === undefined),
  };
}

function fixedEvaluation(
  slot: Slot | undefined,
  fallback: Slot,
  before: CompiledKey | undefined,
): ParsedEvaluation {
  if (slot === undefined) {
    if (fallback.ok) return { value: fallback.value, source: 'default' };
    return { value: undefined, source: 'default', errorCode: 'ERR_VALUE_MISSING' };
  }
  if (slot.ok) return { value: slot.value, source: 'raw' };
  // A bad value from the server keeps the last valid one of that key.
  const last = before?.fixed !== undefined && before.hasValue ? before.fixed : undefined;
  const { value, source } = last ?? { value: valueOf(fallback), source: 'default' as const };
  return { value, source, errorCode: 'ERR_VALUE_INVALID' };
}

function targetedKey(
  definition: KeyDefinition,
  input: CompileInput,
  stored: { $cohort: Record<string, unknown> },
): CompiledKey {
  const refused: string[] = [];
  const slotOf = (value: unknown, path: string): Slot => {
    const slot = value === undefined ? input.fallback : toSlot(definition, value);
    if (!slot.ok) refused.push(`${path}: ${slot.issues.join('; ')}`);
    return slot;
  };
  const { cohort, cohortDefault } = withSlots(stored.$cohort, slotOf);
  // The engine treats values as opaque, so the parsed ones take the place of the stored ones.
  const run = compile(definition.key, { $cohort: cohort } as unknown as JsonValue, input.segments) as unknown as (
    context: EvaluationContext,
  ) => Evaluation<Slot>;
  const evaluate = (context: EvaluationContext): ParsedEvaluation => {
    const answer = run(context);
    const slot = answer.value;
    if (slot.ok) return { ...answer, value: slot.value };
    return {
      value: cohortDefault.ok ? cohortDefault.value : valueOf(input.fallback),
      source: 'default',
      errorCode: 'ERR_VALUE_INVALID',
    };
  };
  const invalid =
    refused.length === 0 ? undefined : describeInvalid(definition, { ok: false, issues: refused }, false);
  const { tier } = definition;
  return { tier, stored: input.stored, fixed: undefined, evaluate, hasValue: true, invalid };
}

/** The cohort with every value replaced by its parsed slot; what has another shape than a cohort's is left as it is. */
function withSlots(
  cohort: Record<string, unknown>,
  slotOf: (value: unknown, path: string) => Slot,
): { cohort: Record<string, unknown>; cohortDefault: Slot } {
  const rolloutSlots = (rollout: unknown, path: string): unknown => {
    if (!isRecord(rollout) || !Array.isArray(rollout['variants'])) return rollout;
    const variants = rollout['variants'].map((variant: unknown, index) =>
      isRecord(variant) ? { ...variant, value: slotOf(variant['value'], `${path}.variants[${index}]`) } : variant,
    );
    return { ...rollout, variants };
  };
  const cohortDefault = slotOf(cohort['defaultValue'], 'defaultValue');
  const next: Record<string, unknown> = { ...cohort, defaultValue: cohortDefault };
  if (Array.isArray(cohort['rules'])) {
    next['rules'] = cohort['rules'].map((rule: unknown, index) => {
      if (!isRecord(rule)) return rule;
      const path = `rules[${index}]`;
      if ('rollout' in rule) return { ...rule, rollout: rolloutSlots(rule['rollout'], `${path}.rollout`) };
      return { ...rule, value: slotOf(rule['value'], `${path}.value`) };
    });
  }
  if ('rollout' in cohort) next['rollout'] = rolloutSlots(cohort['rollout'], 'rollout');
  return { cohort: next, cohortDefault };
}

function toSlot(definition: KeyDefinition, value: unknown): Slot {
  if (definition.limit !== undefined) return { ok: true, value: clampLimit(value, definition.limit) };
  return parseValue(definition, value);
}

function describeInvalid(definition: KeyDefinition, slot: Slot, isMissing: boolean): InvalidKey | undefined {
  if (slot.ok) return undefined;
  const { group, label } = tierNames(definition.tier);
  const name = `${group}.${definition.key}`;
  return isMissing
    ? {
        key: definition.key,
        code: 'ERR_VALUE_MISSING',
        message: `${name} has no value and no default: set the ${label} in this environment.`,
      }
    : { key: definition.key, code: 'ERR_VALUE_INVALID', message: `${name} is invalid: ${slot.issues.join('; ')}.` };
}

function valueOf(slot: Slot): unknown {
  return slot.ok ? slot.value : undefined;
}

function isTargeted(stored: JsonValue): stored is { $cohort: Record<string, JsonValue> } {
  return isRecord(stored) && Object.hasOwn(stored, '$cohort') && isRecord(stored['$cohort']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { CompiledSegments } from './compiled-segments.ts';
import type { InvalidKey } from './errors.ts';
import { isTargeted } from './evaluate.ts';
import { clampLimit } from './limit.ts';
import { isRecord } from './own-property.ts';
import {
  compileCohort,
  constantProgram,
  detailsOf,
  type Program,
  type Serve,
  servedValue,
} from './program.ts';
import { type KeyDefinition, parseValue } from './schema.ts';
import { segmentsUsed } from './targeting-check.ts';
import { tierNames } from './tiers.ts';
import type { Evaluation, EvaluationContext, JsonValue, Tier } from './wire.ts';

/** A value that its schema has looked at. */
export type Slot = { ok: true; value: unknown } | { ok: false; issues: string[] };

/** An evaluation with its value parsed by the schema. */
export type ParsedEvaluation = Evaluation<unknown> & { errorCode?: string };

interface KeyState {
  definition: KeyDefinition;
  stored: JsonValue | undefined;
  program: Program<unknown>;
  fixed: ParsedEvaluation | undefined;
  hasValue: boolean;
  invalid: InvalidKey | undefined;
  origin: ServedOrigin;
}

/** What is served: the stored value, the last valid one before it, or what stands in for both. */
export type ServedOrigin = 'stored' | 'before' | 'fallback';

/** A key's stored value, compiled and validated once, when it arrived. */
export class CompiledKey {
  readonly tier: Tier;
  readonly stored: JsonValue | undefined;
  /** The one answer of a key without targeting. */
  readonly fixed: ParsedEvaluation | undefined;
  /** Whether there is a valid value, be it the schema's default. */
  readonly hasValue: boolean;
  /** What is wrong with the stored value. */
  readonly invalid: InvalidKey | undefined;
  /** Where the value without targeting comes from. */
  readonly origin: ServedOrigin;
  readonly #program: Program<unknown>;
  /** The value of `fixed`, one step nearer. */
  readonly #fixedValue: unknown;

  constructor(state: KeyState) {
    this.tier = state.definition.tier;
    this.stored = state.stored;
    this.fixed = state.fixed;
    this.hasValue = state.hasValue;
    this.invalid = state.invalid;
    this.origin = state.origin;
    this.#program = state.program;
    this.#fixedValue = state.fixed?.value;
  }

  /** The value for a context; allocates nothing. Never throws. */
  value(context: EvaluationContext): unknown {
    return this.fixed === undefined ? servedValue(this.#program, context) : this.#fixedValue;
  }

  /** The answer for a context; what does not fit the schema gives the next valid answer with an error code. */
  evaluate(context: EvaluationContext): ParsedEvaluation {
    return this.fixed ?? detailsOf(this.#program, context);
  }

  /** Whether it refers to one of these segments by itself. */
  usesAny(segments: ReadonlySet<string>): boolean {
    if (this.fixed !== undefined || segments.size === 0) return false;
    for (const name of segmentsUsed(this.stored)) if (segments.has(name)) return true;
    return false;
  }
}

interface CompileInput {
  stored: JsonValue | undefined;
  segments: CompiledSegments;
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
  const { stored } = input;
  if (stored === undefined) return fixedKey(definition, input, undefined);
  const isTargetable = definition.tier === 'feature_flag' || definition.tier === 'limit';
  if (!isTargetable || !isTargeted(stored)) return fixedKey(definition, input, toSlot(definition, stored));
  const { $cohort: cohort } = stored;
  return isRecord(cohort) ? targetedKey(definition, input, cohort) : malformedKey(definition, input);
}

function fixedKey(definition: KeyDefinition, input: CompileInput, slot: Slot | undefined): CompiledKey {
  const { stored, fallback, before } = input;
  // A bad value from the server keeps the last valid one of that key.
  const last = before?.fixed !== undefined && before.hasValue ? before.fixed : undefined;
  const fixed = fixedEvaluation(slot, fallback, last);
  return new CompiledKey({
    definition,
    stored,
    program: NO_PROGRAM,
    fixed,
    hasValue: slot?.ok === true || fallback.ok || last !== undefined,
    invalid: describeInvalid(definition, slot ?? fallback, slot === undefined),
    origin: originOf(slot, fallback, last),
  });
}

const NO_PROGRAM: Program<unknown> = constantProgram({ value: undefined, source: 'default' });

function fixedEvaluation(
  slot: Slot | undefined,
  fallback: Slot,
  last: ParsedEvaluation | undefined,
): ParsedEvaluation {
  if (slot === undefined && fallback.ok) return { value: fallback.value, source: 'default' };
  if (slot?.ok === true) return { value: slot.value, source: 'raw' };
  const { value, source } = last ?? { value: servedOf(fallback), source: 'default' as const };
  return { value, source, errorCode: slot === undefined ? 'ERR_VALUE_MISSING' : 'ERR_VALUE_INVALID' };
}

/** A key that needs a value keeps its last valid one, be the newest refused or deleted. */
function originOf(slot: Slot | undefined, fallback: Slot, last: ParsedEvaluation | undefined): ServedOrigin {
  if (slot?.ok === true) return 'stored';
  const keepsLast = last !== undefined && (slot !== undefined || !fallback.ok);
  return keepsLast ? 'before' : 'fallback';
}

/** What was meant to be targeted is never served as it is, nor is what was served before: it may have been for fewer. */
function malformedKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  const { stored, fallback } = input;
  const issues = ['"$cohort" must be an object, at least { "defaultValue": … }'];
  return new CompiledKey({
    definition,
    stored,
    program: NO_PROGRAM,
    fixed: { value: servedOf(fallback), source: 'default', errorCode: 'ERR_VALUE_INVALID' },
    hasValue: fallback.ok,
    invalid: describeInvalid(definition, { ok: false, issues }, false),
    origin: 'fallback',
  });
}

/** Refused values that a message tells of; it is held for as long as they are stored. */
const MOST_TOLD = 10;

function targetedKey(
  definition: KeyDefinition,
  input: CompileInput,
  cohort: Record<string, unknown>,
): CompiledKey {
  const { stored, fallback } = input;
  const issues: string[] = [];
  let refused = 0;
  const serve: Serve<unknown> = (value, { path, ruleId }) => {
    const slot = value === undefined ? fallback : toSlot(definition, value);
    if (slot.ok) return { value: slot.value, isRefused: false };
    const rule = ruleId === undefined ? '' : ` of rule "${ruleId}"`;
    refused++;
    if (refused <= MOST_TOLD) issues.push(`${path}${rule}: ${slot.issues.join('; ')}`);
    return { value: servedOf(fallback), isRefused: true };
  };
  const program = compileCohort(definition.key, cohort, input.segments, serve);
  if (refused > MOST_TOLD) issues.push(`and ${refused - MOST_TOLD} more`);
  return new CompiledKey({
    definition,
    stored,
    program,
    fixed: undefined,
    // Without a default there is none for the contexts of a refused one.
    hasValue: fallback.ok || issues.length === 0,
    invalid: issues.length === 0 ? undefined : describeInvalid(definition, { ok: false, issues }, false),
    origin: 'stored',
  });
}

/** A value as its schema takes it; a limit's is snapped and clamped. */
export function toSlot(definition: KeyDefinition, value: unknown): Slot {
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
    : {
        key: definition.key,
        code: 'ERR_VALUE_INVALID',
        message: `${name} is invalid: ${slot.issues.join('; ')}.`,
      };
}

function servedOf(slot: Slot): unknown {
  return slot.ok ? slot.value : undefined;
}

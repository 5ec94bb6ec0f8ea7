import type { InvalidKey } from '../errors.ts';
import { segmentsUsed } from '../evaluation/check/targeting-check.ts';
import { never } from '../evaluation/condition-node.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
import {
  type ConditionCompiler,
  compileCohort,
  evaluateDetails,
  evaluateValue,
  type Program,
  type ValueParser,
} from '../evaluation/program.ts';
import { isRecord } from '../lib/record.ts';
import type { KeyDefinition } from '../schema/config-types.ts';
import { clampLimit } from '../schema/limit.ts';
import { type ParseResult, parseValue } from '../schema/parse-value.ts';
import { tierNames } from '../tiers.ts';
import type { Evaluation, EvaluationContext, Tier } from '../wire.ts';
import { type StoredValue, storedJson } from './packed-value.ts';
import type { Layer, ValueOrigin } from './value-layers.ts';

/** An evaluation with its value parsed by the schema. */
export type ParsedEvaluation = Evaluation<unknown> & { errorCode?: string };

/** What stands in for a value that the schema refuses, and where it comes from. */
export interface Fallback {
  readonly parsed: ParseResult;
  readonly origin: ValueOrigin;
}

/** What the keys of a store share; it is asked when a value arrives, and when a targeted one is first read. */
export interface CompileScope {
  readonly conditions: ConditionCompiler;
  /** `above`: the origin of the refused value. */
  fallbackOf: (definition: KeyDefinition, above: ValueOrigin | undefined) => Fallback;
}

interface KeyState {
  fixed: ParsedEvaluation | undefined;
  hasValue: boolean;
  invalid: InvalidKey | undefined;
  serves: Served;
  origin: ValueOrigin;
  segments: readonly string[];
}

/** What is served: the stored value, the last valid one before it, or what stands in for both. */
export type Served = 'stored' | 'before' | 'fallback';

/** A key's stored value, validated once, when it arrived; what is targeted is prepared when it is first read. */
export class CompiledKey {
  readonly stored: StoredValue | undefined;
  /** The one answer of a key without targeting. */
  readonly fixed: ParsedEvaluation | undefined;
  /** Whether there is a valid value, be it the schema's default. */
  readonly hasValue: boolean;
  /** What is wrong with the stored value. */
  readonly invalid: InvalidKey | undefined;
  /** Where the value without targeting comes from. */
  readonly serves: Served;
  /** The origin of what is served; the store writes it where the same value comes to be another origin's. */
  origin: ValueOrigin;
  readonly #definition: KeyDefinition;
  readonly #scope: CompileScope;
  /** Names of the segments that it refers to by itself. */
  readonly #segments: readonly string[];
  /** Of a targeted key, from its first evaluation on. */
  #program: Program<unknown> | undefined;
  /** The value of `fixed`, one step nearer. */
  readonly #fixedValue: unknown;

  constructor(definition: KeyDefinition, { stored, scope }: CompileInput, state: KeyState) {
    this.stored = stored;
    this.fixed = state.fixed;
    this.hasValue = state.hasValue;
    this.invalid = state.invalid;
    this.serves = state.serves;
    this.origin = state.origin;
    this.#definition = definition;
    this.#scope = scope;
    this.#segments = state.segments;
    this.#fixedValue = state.fixed?.value;
  }

  get tier(): Tier {
    return this.#definition.tier;
  }

  /** The value for a context; allocates nothing but at the first time. Never throws. */
  value(context: EvaluationContext): unknown {
    if (this.fixed !== undefined) return this.#fixedValue;
    this.#program ??= programOf(this, this.#definition, this.#scope);
    return evaluateValue(this.#program, context);
  }

  /** The answer for a context; what does not fit the schema gives the next valid answer with an error code. */
  evaluate(context: EvaluationContext): ParsedEvaluation {
    if (this.fixed !== undefined) return this.fixed;
    this.#program ??= programOf(this, this.#definition, this.#scope);
    return evaluateDetails(this.#program, context);
  }

  /** Whether it refers to one of these segments by itself. */
  usesAny(segments: ReadonlySet<string>): boolean {
    return this.#segments.some((name) => segments.has(name));
  }
}

const NO_SEGMENTS: readonly string[] = [];
/** When a value arrives only what it can answer is looked at. */
const NO_CONDITIONS: ConditionCompiler = { compile: () => never };

interface CompileInput {
  stored: StoredValue | undefined;
  /** The origin of `stored`. */
  layer: Layer | undefined;
  scope: CompileScope;
  before: CompiledKey | undefined;
}

/** The schema's default, parsed. */
export function defaultOf(definition: KeyDefinition): ParseResult {
  if (definition.limit !== undefined) return { ok: true, value: definition.limit.default };
  return parseValue(definition, undefined);
}

/** Compiles one key. A value that the schema refuses is never served: the last valid one is, or the default. */
export function compileKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  if (input.stored === undefined) return missingKey(definition, input);
  const value = storedJson(input.stored);
  const isTargetable = definition.tier === 'feature_flag' || definition.tier === 'limit';
  if (isTargetable && isTargeted(value)) return targetedKey(definition, input, value);
  const parsed = parseStored(definition, value);
  if (parsed.ok) return rawKey(definition, input, parsed.value);
  return standInKey(definition, input, describeInvalid(definition, parsed.issues));
}

function rawKey(definition: KeyDefinition, input: CompileInput, value: unknown): CompiledKey {
  return new CompiledKey(definition, input, {
    fixed: { value, source: 'raw' },
    hasValue: true,
    invalid: undefined,
    serves: 'stored',
    origin: input.layer ?? 'none',
    segments: NO_SEGMENTS,
  });
}

function missingKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  const { parsed, origin } = input.scope.fallbackOf(definition, input.layer);
  if (!parsed.ok) return standInKey(definition, input, describeMissing(definition));
  return new CompiledKey(definition, input, {
    fixed: { value: parsed.value, source: 'default' },
    hasValue: true,
    invalid: undefined,
    serves: 'fallback',
    origin,
    segments: NO_SEGMENTS,
  });
}

/** A key keeps its last valid value, be the newest refused or a needed one deleted; else there is the fallback. */
function standInKey(definition: KeyDefinition, input: CompileInput, invalid: InvalidKey): CompiledKey {
  const { before, layer, scope } = input;
  const fallback = scope.fallbackOf(definition, layer);
  // What better origins deleted does not stay because the bundled value is refused, too.
  const isDeleted = layer === 'file' && fallback.parsed.ok;
  const last = before?.fixed !== undefined && before.hasValue && !isDeleted ? before : undefined;
  const { value, source } = last?.fixed ?? { value: servedOf(fallback.parsed), source: 'default' };
  return new CompiledKey(definition, input, {
    fixed: { value, source, errorCode: invalid.code },
    hasValue: last !== undefined || fallback.parsed.ok,
    invalid,
    serves: last === undefined ? 'fallback' : 'before',
    origin: (last ?? fallback).origin,
    segments: NO_SEGMENTS,
  });
}

function targetedKey(
  definition: KeyDefinition,
  input: CompileInput,
  targeted: { $cohort: unknown },
): CompiledKey {
  const { layer, scope } = input;
  const { $cohort: cohort } = targeted;
  // What was meant to be targeted is never served as it is, nor is what was served before: it may have been for fewer.
  if (!isRecord(cohort)) {
    const invalid = describeInvalid(definition, [
      '"$cohort" must be an object, at least { "defaultValue": … }',
    ]);
    return standInKey(definition, { ...input, before: undefined }, invalid);
  }
  const fallbackOf = (): ParseResult => scope.fallbackOf(definition, layer).parsed;
  const { issues } = compileTargeted(definition, cohort, { conditions: NO_CONDITIONS, fallbackOf });
  const segments = segmentsUsed(targeted);
  return new CompiledKey(definition, input, {
    fixed: undefined,
    // Without a default there is none for the contexts of a refused one.
    hasValue: issues.length === 0 || fallbackOf().ok,
    invalid: issues.length === 0 ? undefined : describeInvalid(definition, issues),
    serves: 'stored',
    origin: layer ?? 'none',
    segments: segments.size === 0 ? NO_SEGMENTS : [...segments],
  });
}

/** The program of a targeted key, whose values were looked at before. */
function programOf(key: CompiledKey, definition: KeyDefinition, scope: CompileScope): Program<unknown> {
  const targeted = key.stored === undefined ? undefined : storedJson(key.stored);
  const cohort = isTargeted(targeted) && isRecord(targeted.$cohort) ? targeted.$cohort : {};
  const fallbackOf = (): ParseResult => scope.fallbackOf(definition, key.origin).parsed;
  return compileTargeted(definition, cohort, { conditions: scope.conditions, fallbackOf }).program;
}

/** Refused values that a message tells of; it is held for as long as they are stored. */
const MOST_TOLD = 10;

function compileTargeted(
  definition: KeyDefinition,
  cohort: Record<string, unknown>,
  { conditions, fallbackOf }: { conditions: ConditionCompiler; fallbackOf: () => ParseResult },
): { program: Program<unknown>; issues: string[] } {
  const issues: string[] = [];
  let refused = 0;
  const parse: ValueParser<unknown> = (value, { path, ruleId }) => {
    const parsed = value === undefined ? fallbackOf() : parseStored(definition, value);
    if (parsed.ok) return { value: parsed.value, isRefused: false };
    const rule = ruleId === undefined ? '' : ` of rule "${ruleId}"`;
    refused++;
    if (refused <= MOST_TOLD) issues.push(`${path}${rule}: ${parsed.issues.join('; ')}`);
    return { value: servedOf(fallbackOf()), isRefused: true };
  };
  const program = compileCohort(definition.key, cohort, { conditions, parse });
  if (refused > MOST_TOLD) issues.push(`and ${refused - MOST_TOLD} more`);
  return { program, issues };
}

/** A value as its schema takes it; a limit's is snapped and clamped. */
export function parseStored(definition: KeyDefinition, value: unknown): ParseResult {
  if (definition.limit !== undefined) return { ok: true, value: clampLimit(value, definition.limit) };
  return parseValue(definition, value);
}

function describeInvalid({ tier, key }: KeyDefinition, issues: readonly string[]): InvalidKey {
  const message = `${tierNames(tier).group}.${key} is invalid: ${issues.join('; ')}.`;
  return { key, code: 'ERR_VALUE_INVALID', message };
}

function describeMissing({ tier, key }: KeyDefinition): InvalidKey {
  const { group, label } = tierNames(tier);
  const message = `${group}.${key} has no value and no default: set the ${label} in this environment.`;
  return { key, code: 'ERR_VALUE_MISSING', message };
}

function servedOf(parsed: ParseResult): unknown {
  return parsed.ok ? parsed.value : undefined;
}

import type { InvalidKey } from '../errors.ts';
import { forEachSegment } from '../evaluation/check/targeting-check.ts';
import {
  type ParsedValue,
  parseValues,
  pathOf,
  type ValueParser,
  type ValuePlace,
} from '../evaluation/cohort.ts';
import { type ConditionCompiler, compileCohort } from '../evaluation/compile-cohort.ts';
import { isTargeted } from '../evaluation/evaluate.ts';
import { evaluateDetails, evaluateValue, type Program } from '../evaluation/program.ts';
import { isRecord } from '../lib/record.ts';
import type { KeyDefinition } from '../schema/config-types.ts';
import { clampLimit } from '../schema/limit.ts';
import { type ParseResult, parseValue } from '../schema/parse-value.ts';
import { isTargetable, tierNames } from '../tiers.ts';
import type { Evaluation, EvaluationContext, JsonValue, Tier } from '../wire.ts';
import { type StoredValue, unpack } from './packed-value.ts';
import type { Layer, ValueOrigin } from './value-layers.ts';

/** An evaluation with its value parsed by the schema. */
export type ParsedEvaluation = Evaluation<unknown> & { errorCode?: string };

/** The value used in place of one that the schema rejects, and where it comes from. */
export interface Fallback {
  readonly parsed: ParseResult;
  readonly origin: ValueOrigin;
}

/** Shared by all keys of a store. Used when a value arrives, and when a targeted value is first read. */
export interface CompileScope {
  readonly conditions: ConditionCompiler;
  /** @param above - the origin of the rejected value; only origins below it are considered. */
  fallbackOf: (definition: KeyDefinition, above: ValueOrigin | undefined) => Fallback;
}

/** Most keys share one of the two below. */
interface KeyStatus {
  readonly hasValue: boolean;
  readonly invalid: InvalidKey | undefined;
  readonly serves: Served;
  /** Names of the segments that the key's own conditions refer to. */
  readonly segments: readonly string[];
}

interface KeyState {
  fixed: ParsedEvaluation | undefined;
  origin: ValueOrigin;
  status: KeyStatus;
}

/** Which value a key serves: the stored one, the last valid one before it, or the fallback. */
export type Served = 'stored' | 'previous' | 'fallback';

/** A key's stored value. It is validated once, when it arrives; a targeted value is compiled at its first read. */
export class CompiledKey {
  readonly stored: StoredValue | undefined;
  /** The result for every context, frozen; undefined if the key is targeted. */
  readonly fixed: ParsedEvaluation | undefined;
  /** Where the served value comes from. The store updates it when another origin now provides the same value. */
  origin: ValueOrigin;
  readonly #definition: KeyDefinition;
  readonly #scope: CompileScope;
  readonly #status: KeyStatus;
  /** Set by the first evaluation of a targeted key. */
  #program: Program<unknown> | undefined;
  /** A copy of `fixed.value`, which saves the fastest read one step. */
  readonly #fixedValue: unknown;

  constructor(definition: KeyDefinition, { stored, scope }: CompileInput, state: KeyState) {
    this.stored = stored;
    this.fixed = state.fixed && Object.freeze(state.fixed);
    this.origin = state.origin;
    this.#definition = definition;
    this.#scope = scope;
    this.#status = state.status;
    this.#fixedValue = state.fixed?.value;
  }

  get tier(): Tier {
    return this.#definition.tier;
  }

  /** Whether there is a valid value; the schema's default counts. */
  get hasValue(): boolean {
    return this.#status.hasValue;
  }

  /** What is wrong with the stored value. */
  get invalid(): InvalidKey | undefined {
    return this.#status.invalid;
  }

  get serves(): Served {
    return this.#status.serves;
  }

  /** The value for a context. Allocates nothing after the first call. Never throws. */
  value(context: EvaluationContext): unknown {
    if (this.fixed !== undefined) return this.#fixedValue;
    this.#program ??= programOf(this, this.#definition, this.#scope);
    return evaluateValue(this.#program, context);
  }

  /** The evaluation for a context. A value that does not fit the schema is replaced, and `errorCode` says so. */
  evaluate(context: EvaluationContext): ParsedEvaluation {
    if (this.fixed !== undefined) return this.fixed;
    this.#program ??= programOf(this, this.#definition, this.#scope);
    return evaluateDetails(this.#program, context);
  }

  /** Whether its own conditions refer to one of these segments. */
  usesAny(segments: ReadonlySet<string>): boolean {
    return this.#status.segments.some((name) => segments.has(name));
  }
}

const NO_SEGMENTS: readonly string[] = [];
const VALID = { hasValue: true, invalid: undefined, segments: NO_SEGMENTS };
const STORED: KeyStatus = { ...VALID, serves: 'stored' };
const DEFAULT: KeyStatus = { ...VALID, serves: 'fallback' };

interface CompileInput {
  stored: StoredValue | undefined;
  /** `stored` as JSON, if it has just arrived; this saves unpacking it. */
  json: JsonValue | undefined;
  /** The origin of `stored`. */
  layer: Layer | undefined;
  scope: CompileScope;
  /** The key as it was compiled before this value arrived. */
  previous: CompiledKey | undefined;
}

/** The schema's default, parsed. */
export function defaultOf(definition: KeyDefinition): ParseResult {
  if (definition.limit !== undefined) return { ok: true, value: definition.limit.default };
  return parseValue(definition, undefined);
}

/** Compiles one key. A value that the schema rejects is never served: the last valid one is, else the fallback. */
export function compileKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  if (input.stored === undefined) return missingKey(definition, input);
  const value = input.json ?? unpack(input.stored);
  if (isTargetable(definition.tier) && isTargeted(value)) return targetedKey(definition, input, value);
  const parsed = parseStored(definition, value);
  if (parsed.ok) return plainKey(definition, input, parsed.value);
  return invalidKey(definition, input, describeInvalid(definition, parsed.issues));
}

function plainKey(definition: KeyDefinition, input: CompileInput, value: unknown): CompiledKey {
  return new CompiledKey(definition, input, {
    fixed: { value, source: 'raw' },
    origin: input.layer ?? 'none',
    status: STORED,
  });
}

function missingKey(definition: KeyDefinition, input: CompileInput): CompiledKey {
  const { parsed, origin } = input.scope.fallbackOf(definition, input.layer);
  if (!parsed.ok) return invalidKey(definition, input, describeMissing(definition));
  return new CompiledKey(definition, input, {
    fixed: { value: parsed.value, source: 'default' },
    origin,
    status: DEFAULT,
  });
}

/** The newest value is invalid, or a required one was deleted: serves the last valid value, else the fallback. */
function invalidKey(definition: KeyDefinition, input: CompileInput, invalid: InvalidKey): CompiledKey {
  const { previous, layer, scope } = input;
  const fallback = scope.fallbackOf(definition, layer);
  // No better origin has a value any more, and the bundled one is invalid. The deleted value must not be served instead.
  const isDeleted = layer === 'file' && fallback.parsed.ok;
  const last = previous?.fixed !== undefined && previous.hasValue && !isDeleted ? previous : undefined;
  const { value, source } = last?.fixed ?? { value: valueOrUndefined(fallback.parsed), source: 'default' };
  return new CompiledKey(definition, input, {
    fixed: { value, source, errorCode: invalid.code },
    origin: (last ?? fallback).origin,
    status: {
      hasValue: last !== undefined || fallback.parsed.ok,
      invalid,
      serves: last === undefined ? 'fallback' : 'previous',
      segments: NO_SEGMENTS,
    },
  });
}

function targetedKey(
  definition: KeyDefinition,
  input: CompileInput,
  targeted: { $cohort: unknown },
): CompiledKey {
  const { layer, scope } = input;
  const { $cohort: cohort } = targeted;
  // A value that was meant to be targeted is never served as it stands. Neither is the previous value: it may have
  // been meant for fewer contexts.
  if (!isRecord(cohort)) {
    const invalid = describeInvalid(definition, [
      '"$cohort" must be an object, at least { "defaultValue": … }',
    ]);
    return invalidKey(definition, { ...input, previous: undefined }, invalid);
  }
  const fallbackOf = (): ParseResult => scope.fallbackOf(definition, layer).parsed;
  const parser = new CohortParser(definition, fallbackOf);
  // Only the values are checked now; conditions are compiled at the first read.
  parseValues(definition.key, cohort, parser.parse);
  const issues = parser.issues();
  const segments = segmentsIn(targeted);
  const isValid = issues.length === 0;
  const status: KeyStatus =
    isValid && segments.length === 0
      ? STORED
      : {
          // Contexts that would get a rejected value need a fallback.
          hasValue: isValid || fallbackOf().ok,
          invalid: isValid ? undefined : describeInvalid(definition, issues),
          serves: 'stored',
          segments,
        };
  return new CompiledKey(definition, input, { fixed: undefined, origin: layer ?? 'none', status });
}

function segmentsIn(targeted: unknown): readonly string[] {
  let names: Set<string> | undefined;
  forEachSegment(targeted, (name) => {
    names ??= new Set();
    names.add(name);
  });
  return names === undefined ? NO_SEGMENTS : [...names];
}

/** Compiles a targeted key whose values were validated on arrival. */
function programOf(key: CompiledKey, definition: KeyDefinition, scope: CompileScope): Program<unknown> {
  const targeted = key.stored === undefined ? undefined : unpack(key.stored);
  const cohort = isTargeted(targeted) && isRecord(targeted.$cohort) ? targeted.$cohort : {};
  const fallbackOf = (): ParseResult => scope.fallbackOf(definition, key.origin).parsed;
  const { parse } = new CohortParser(definition, fallbackOf);
  return compileCohort(definition.key, cohort, { conditions: scope.conditions, parse });
}

/** How many rejected values one message lists. The message is kept in memory as long as the value is stored. */
const MAX_LISTED_ISSUES = 10;

/** Parses the values of a cohort, and collects why the schema rejects them. */
class CohortParser {
  readonly #definition: KeyDefinition;
  readonly #fallbackOf: () => ParseResult;
  readonly #issues: string[] = [];
  #rejected = 0;
  #last: { value: JsonValue | undefined; result: ParsedValue<unknown> } | undefined;

  /** @param fallbackOf - returns the value used in place of a missing or rejected one. */
  constructor(definition: KeyDefinition, fallbackOf: () => ParseResult) {
    this.#definition = definition;
    this.#fallbackOf = fallbackOf;
  }

  readonly parse: ValueParser<unknown> = (value, place) => {
    // Most values of a cohort are the same few scalars, so one that is repeated is parsed once.
    if (this.#last !== undefined && Object.is(value, this.#last.value)) return this.#last.result;
    const parsed = value === undefined ? this.#fallbackOf() : parseStored(this.#definition, value);
    if (!parsed.ok) return this.#refuse(parsed.issues, place);
    const result = { value: parsed.value, isRefused: false };
    this.#last = { value, result };
    return result;
  };

  #refuse(issues: readonly string[], place: ValuePlace): ParsedValue<unknown> {
    this.#rejected++;
    if (this.#rejected <= MAX_LISTED_ISSUES) {
      const rule = place.ruleId === undefined ? '' : ` of rule "${place.ruleId}"`;
      this.#issues.push(`${pathOf(place)}${rule}: ${issues.join('; ')}`);
    }
    return { value: valueOrUndefined(this.#fallbackOf()), isRefused: true };
  }

  issues(): readonly string[] {
    const others = this.#rejected - MAX_LISTED_ISSUES;
    return others > 0 ? [...this.#issues, `and ${others} more`] : this.#issues;
  }
}

/** Parses a stored value by its schema; a limit is snapped to its steps and clamped. */
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

function valueOrUndefined(parsed: ParseResult): unknown {
  return parsed.ok ? parsed.value : undefined;
}

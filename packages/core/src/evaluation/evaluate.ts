import { isRecord } from '../lib/record.ts';
import type { Evaluation, EvaluationContext, JsonValue, Segments } from '../wire.ts';
import { CompiledSegments } from './compiled-segments.ts';
import { compileCohort, constantProgram, detailsFor, type ValueParser } from './program.ts';

/** A stored value that {@link compile} has prepared. It never throws; its answers may be shared and are not to be written to. */
export type CompiledEvaluation = (context?: EvaluationContext) => Evaluation;

const NO_CONTEXT: EvaluationContext = Object.freeze({});
const NO_SEGMENTS = new CompiledSegments({});

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
  segments?: CompiledSegments | Segments,
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
  if (!isTargeted(stored)) return constant({ value: stored, source: 'raw' });
  const cohort = stored.$cohort;
  if (!isRecord(cohort)) return constant({ value: null, source: 'default' });
  const program = compileCohort(key, cohort, asCompiled(segments), acceptAny);
  return (context) => detailsFor(program, context ?? NO_CONTEXT);
}

/** Whether a stored value is targeted, be its targeting well-formed or not. */
export function isTargeted(stored: unknown): stored is Record<string, unknown> & { $cohort: unknown } {
  return isRecord(stored) && Object.hasOwn(stored, '$cohort');
}

/** Segments that are compiled, where they are not yet. */
export function asCompiled(segments: CompiledSegments | Segments): CompiledSegments {
  return segments instanceof CompiledSegments ? segments : new CompiledSegments(segments);
}

/** Without a schema every value may be served. */
const acceptAny: ValueParser<JsonValue> = (stored) => ({ value: stored ?? null, isRefused: false });

function constant(answer: Evaluation): CompiledEvaluation {
  const { answer: shared } = constantProgram(answer).otherwise;
  return () => shared;
}

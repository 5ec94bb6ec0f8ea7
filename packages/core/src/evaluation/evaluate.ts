import { isRecord } from '../lib/record.ts';
import type { Evaluation, EvaluationContext, JsonValue, Segments } from '../wire.ts';
import type { ValueParser } from './cohort.ts';
import { compileCohort } from './compile-cohort.ts';
import { CompiledSegments } from './compiled-segments.ts';
import { evaluateDetails } from './program.ts';

/** A stored value compiled by {@link compile}. Never throws. Its result may be frozen and shared between calls. */
export type CompiledEvaluation = (context?: EvaluationContext) => Evaluation;

const NO_CONTEXT: EvaluationContext = Object.freeze({});
const NO_SEGMENTS = new CompiledSegments({});

/**
 * Evaluates a stored value for a context. Pure, and never throws: a malformed part never matches, and a `$cohort` that is
 * not an object gives `null` with source `default`. To evaluate one value often, use {@link compile}.
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
 * Compiles a stored value for many evaluations: patterns, dates, attribute paths and the salt's hash are prepared once.
 * Pass the result of `compileSegments` to share segments between the flags of one environment.
 */
export function compile(
  key: string,
  stored: JsonValue,
  segments: CompiledSegments | Segments = NO_SEGMENTS,
): CompiledEvaluation {
  if (!isTargeted(stored)) return constant({ value: stored, source: 'raw' });
  const cohort = stored.$cohort;
  if (!isRecord(cohort)) return constant({ value: null, source: 'default' });
  const program = compileCohort(key, cohort, { conditions: asCompiled(segments), parse: acceptAny });
  return (context) => evaluateDetails(program, context ?? NO_CONTEXT);
}

/** Whether a stored value is targeted; its targeting need not be well-formed. */
export function isTargeted(stored: unknown): stored is Record<string, unknown> & { $cohort: unknown } {
  return isRecord(stored) && Object.hasOwn(stored, '$cohort');
}

export function asCompiled(segments: CompiledSegments | Segments): CompiledSegments {
  return segments instanceof CompiledSegments ? segments : new CompiledSegments(segments);
}

/** Without a schema, every value is valid. */
const acceptAny: ValueParser<JsonValue> = (stored) => ({ value: stored ?? null, isRefused: false });

function constant(evaluation: Evaluation): CompiledEvaluation {
  const shared = Object.freeze(evaluation);
  return () => shared;
}

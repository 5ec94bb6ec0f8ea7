import {
  type CompiledSegments,
  type Condition,
  checkCondition,
  checkTargeting,
  type JsonValue,
} from '@smooai/config';
import { clip } from '../../lib/clip.ts';
import { fieldName } from '../../lib/field-name.ts';
import { isRecord } from '../../lib/record.ts';
import { Refusal } from '../refusal.ts';
import { checkJsonLimits, MAX_CONDITION_BYTES } from './json-limits.ts';
import type { PatternCheck } from './pattern-check.ts';
import type { SchemaKey, ValueIssue } from './schema-keys.ts';
import { runWithin } from './time-limit.ts';

/** A schema's patterns and references may make it explode on some values, and everyone waits meanwhile. */
const CHECK_LIMIT_MS = 250;

/** All answers of a targeted value together. */
const ANSWERS_LIMIT_MS = 2_000;

/** What a value is checked against beside its schema. */
export interface ValueCheckOptions {
  /** Where the value is in the request, as a JSON pointer: `/value`, `/values/3/value`. */
  pointer: string;
  /** Segments that its conditions may name. */
  segments: CompiledSegments;
  checkPattern: PatternCheck;
}

/** Whether a stored value of a flag or limit is decided by targeting. */
export function isTargeted(value: JsonValue): boolean {
  return isRecord(value) && Object.hasOwn(value, '$cohort');
}

/**
 * Checks a value for storing: a plain one against its key's schema, a targeted one in its structure and each value that
 * it may answer.
 * @throws {Refusal} 400 naming the path and the reason, without anything of a secret.
 */
export function checkValue(key: SchemaKey, value: JsonValue, options: ValueCheckOptions): void {
  const field = fieldName(options.pointer, 'body');
  if (isTargeted(value)) {
    if (key.tier !== 'feature_flag' && key.tier !== 'limit') {
      throw new Refusal(
        'invalid',
        `Field "${field}" of "${key.key}": only flags and limits are targeted with $cohort.`,
      );
    }
    checkTargetedValue(key, value, options);
    return;
  }
  const issue = checkInTime(key, value);
  if (issue === undefined) return;
  // A path into a secret may hold names that are themselves secret.
  const place = key.tier === 'secret' ? field : fieldName(`${options.pointer}${issue.pointer}`, 'body');
  throw new Refusal('invalid', `Field "${clip(place)}" of "${key.key}" ${issue.reason}.`);
}

/** What the key's schema has against a stored value, plain or targeted; for values that are stored already. */
export function findStoredIssue(key: SchemaKey, value: JsonValue): string | undefined {
  const isFlag = key.tier === 'feature_flag' || key.tier === 'limit';
  if (isFlag && isTargeted(value)) {
    const [issue] = checkTargeting(value, { checkValue: answersCheck(key) });
    return issue === undefined ? undefined : `${issue.path}: ${issue.message}`;
  }
  const issue = checkInTime(key, value);
  return key.tier === 'secret' ? issue?.reason : describe(issue);
}

/**
 * Checks a segment's condition from a request.
 * @throws {Refusal} 400 naming the path and the reason, 413 where it is too large.
 */
export function checkSegmentCondition(
  condition: unknown,
  options: { segments: CompiledSegments; checkPattern: PatternCheck },
): asserts condition is Condition {
  checkJsonLimits(condition, 'condition', MAX_CONDITION_BYTES);
  const [issue] = checkCondition(condition as JsonValue, options);
  if (issue !== undefined) {
    throw new Refusal('invalid', `Field "${clip(join('condition', issue.path))}": ${issue.message}`);
  }
}

function checkTargetedValue(key: SchemaKey, value: JsonValue, options: ValueCheckOptions): void {
  const [issue] = checkTargeting(value, {
    segments: options.segments,
    checkPattern: options.checkPattern,
    checkValue: answersCheck(key),
  });
  if (issue === undefined) return;
  const place = join(fieldName(options.pointer, 'body'), issue.path);
  throw new Refusal('invalid', `Field "${clip(place)}" of "${key.key}": ${issue.message}`);
}

/** Checks the answers of one targeted value, up to the first that is refused: only that one is told. */
function answersCheck(key: SchemaKey): (answer: JsonValue) => string | undefined {
  const startedAt = performance.now();
  let isTold = false;
  return (answer) => {
    if (isTold) return undefined;
    const isLate = performance.now() - startedAt > ANSWERS_LIMIT_MS;
    const reason = isLate ? tooLong(ANSWERS_LIMIT_MS) : describe(checkInTime(key, answer));
    isTold = reason !== undefined;
    return reason;
  };
}

function checkInTime(key: SchemaKey, value: JsonValue): ValueIssue | undefined {
  try {
    // Not within the limit: what the schema is compiled to is kept, and must not be left half done.
    key.prepare();
    const check = runWithin(CHECK_LIMIT_MS, () => key.check(value));
    if (check.inTime) return check.result;
  } catch (error) {
    // References that come back to themselves without an end.
    if (!(error instanceof RangeError)) throw error;
  }
  return { pointer: '', reason: tooLong(CHECK_LIMIT_MS) };
}

function tooLong(limitMs: number): string {
  return `cannot be checked within ${limitMs} ms: make the patterns and references of its schema simpler`;
}

function describe(issue: ValueIssue | undefined): string | undefined {
  if (issue === undefined) return undefined;
  return issue.pointer === '' ? issue.reason : `at "${fieldName(issue.pointer, 'value')}": ${issue.reason}`;
}

function join(field: string, path: string): string {
  if (path === '') return field;
  return path.startsWith('[') ? `${field}${path}` : `${field}.${path}`;
}

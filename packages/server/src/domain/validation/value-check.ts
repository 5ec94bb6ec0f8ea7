import {
  type CompiledSegments,
  type Condition,
  checkCondition,
  checkTargeting,
  isTargetable,
  type JsonValue,
} from '@smooai/config';
import { clip } from '../../lib/clip.ts';
import { fieldName } from '../../lib/field-name.ts';
import { isRecord } from '../../lib/record.ts';
import { Refusal } from '../refusal.ts';
import type { ValueIssue } from './check-job.ts';
import type { PatternCheck } from './pattern-check.ts';
import type { SchemaKey } from './schema-keys.ts';
import type { ValueVerdicts } from './value-verdicts.ts';

/** What a check of a value needs besides its schema. */
export interface ValueCheckOptions {
  /** The place of the value in the request, as a JSON pointer: `/value`, `/values/3/value`. */
  pointer: string;
  /** The segments that its conditions may use. */
  segments: CompiledSegments;
  checkPattern: PatternCheck;
  verdicts: ValueVerdicts;
}

/** Whether a value of a flag or limit uses targeting. */
export function isTargeted(value: JsonValue): boolean {
  return isRecord(value) && Object.hasOwn(value, '$cohort');
}

/**
 * Checks a value before it is stored: a plain one against the schema of its key; a targeted one for its structure, and
 * each of its possible results against the schema. A value without a verdict passes for now; see {@link ValueVerdicts}.
 * @throws {Refusal} `invalid` naming the path and the reason, without any part of a secret
 */
export function checkValue(key: SchemaKey, value: JsonValue, options: ValueCheckOptions): void {
  const field = fieldName(options.pointer, 'body');
  if (isTargeted(value)) {
    if (!isTargetable(key.tier)) {
      throw new Refusal(
        'invalid',
        `Field "${field}" of "${key.key}": only flags and limits can be targeted with $cohort.`,
      );
    }
    checkTargetedValue(key, value, options);
    return;
  }
  const issue = options.verdicts.of(key, value);
  if (issue === undefined) return;
  // The property names inside a secret may be secret too.
  const place = key.tier === 'secret' ? field : fieldName(`${options.pointer}${issue.pointer}`, 'body');
  throw new Refusal('invalid', `Field "${clip(place)}" of "${key.key}" ${issue.reason}.`);
}

/**
 * Why a value that is already stored, plain or targeted, does not fit the schema of its key; undefined if it fits, or has
 * no verdict yet.
 */
export function findStoredIssue(
  key: SchemaKey,
  value: JsonValue,
  verdicts: ValueVerdicts,
): string | undefined {
  const isFlag = isTargetable(key.tier);
  if (isFlag && isTargeted(value)) {
    const [issue] = checkTargeting(value, { checkValue: resultCheck(key, verdicts) });
    return issue === undefined ? undefined : `${issue.path}: ${issue.message}`;
  }
  const issue = verdicts.of(key, value);
  return key.tier === 'secret' ? issue?.reason : describe(issue);
}

/**
 * Checks the condition of a segment from a request. Its size and depth must have been checked before.
 * @throws {Refusal} `invalid` naming the path and the reason
 */
export function checkSegmentCondition(
  condition: unknown,
  options: { segments: CompiledSegments; checkPattern: PatternCheck },
): asserts condition is Condition {
  const [issue] = checkCondition(condition as JsonValue, options);
  if (issue !== undefined) {
    throw new Refusal('invalid', `Field "${clip(join('condition', issue.path))}": ${issue.message}`);
  }
}

function checkTargetedValue(key: SchemaKey, value: JsonValue, options: ValueCheckOptions): void {
  const [issue] = checkTargeting(value, {
    segments: options.segments,
    checkPattern: options.checkPattern,
    checkValue: resultCheck(key, options.verdicts),
  });
  if (issue === undefined) return;
  const place = join(fieldName(options.pointer, 'body'), issue.path);
  throw new Refusal('invalid', `Field "${clip(place)}" of "${key.key}": ${issue.message}`);
}

/** Checks the possible results of a targeted value up to the first that is refused; only that one is reported. */
function resultCheck(key: SchemaKey, verdicts: ValueVerdicts): (result: JsonValue) => string | undefined {
  let isRefused = false;
  return (result) => {
    if (isRefused) return undefined;
    const reason = describe(verdicts.of(key, result));
    isRefused = reason !== undefined;
    return reason;
  };
}

function describe(issue: ValueIssue | undefined): string | undefined {
  if (issue === undefined) return undefined;
  return issue.pointer === '' ? issue.reason : `at "${fieldName(issue.pointer, 'value')}": ${issue.reason}`;
}

function join(field: string, path: string): string {
  if (path === '') return field;
  return path.startsWith('[') ? `${field}${path}` : `${field}.${path}`;
}

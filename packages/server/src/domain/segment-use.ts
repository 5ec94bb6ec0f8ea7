import { compileSegments, isTargetable, type JsonValue, segmentsUsed } from '@smooai/config';
import { isRecord } from '../lib/record.ts';
import type { StoredSegment } from '../storage/storage.ts';
import { type EffectiveValues, toConditions } from './effective-values.ts';
import { isTargeted } from './validation/value-check.ts';

/** A use of a segment by a key or another segment. */
export interface SegmentUse {
  segment: string;
  /** `"x"` for a key or `the segment "y"`, for a message. */
  user: string;
}

/** Every use of a segment by a value or segment that an environment sees. */
export function segmentUses(effective: EffectiveValues): SegmentUse[] {
  const uses: SegmentUse[] = [];
  for (const { key, value } of targetedValues(effective)) {
    for (const segment of segmentsUsed(value)) uses.push({ segment, user: `"${key}"` });
  }
  for (const { name, condition } of effective.segments.values()) {
    for (const segment of segmentsUsed(condition)) uses.push({ segment, user: `the segment "${name}"` });
  }
  return uses;
}

/** The first key or segment that a write makes too large to evaluate. */
export function findNewlyTooLarge(before: EffectiveValues, after: EffectiveValues): string | undefined {
  const users = tooLarge(after);
  // Nearly always there are none, and the state before does not matter.
  if (users.length === 0) return undefined;
  const known = new Set(tooLarge(before));
  return users.find((user) => !known.has(user));
}

function tooLarge(effective: EffectiveValues): string[] {
  const segments = compileSegments(toConditions(effective.segments));
  const users: string[] = [];
  for (const name of effective.segments.keys()) {
    if (segments.isTooLarge({ segment: name })) users.push(`the segment "${name}"`);
  }
  for (const { key, value } of targetedValues(effective)) {
    if (conditionsOf(value).some((condition) => segments.isTooLarge(condition))) users.push(`"${key}"`);
  }
  return users;
}

/** The flags and limits with targeting. */
export function* targetedValues(effective: EffectiveValues): Generator<{ key: string; value: JsonValue }> {
  for (const { key, tier, value } of effective.values.values()) {
    if (isTargetable(tier) && isTargeted(value)) yield { key, value };
  }
}

/** The conditions of a targeted value's rules. */
function conditionsOf(value: JsonValue): JsonValue[] {
  const rules = isRecord(value) && isRecord(value.$cohort) ? value.$cohort.rules : undefined;
  return Array.isArray(rules)
    ? rules.map((rule: JsonValue) => (isRecord(rule) ? (rule.when as JsonValue) : null))
    : [];
}

/** The first use of a segment that the environment does not have. */
export function findUnknownSegment(effective: EffectiveValues): SegmentUse | undefined {
  return segmentUses(effective).find(({ segment }) => !effective.segments.has(segment));
}

/** The names on a path from a segment back to itself; undefined if there is none. */
export function findSegmentCycle(
  segments: ReadonlyMap<string, Pick<StoredSegment, 'condition'>>,
  start: string,
): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    if (name === start && path.length > 0) return [...path, name];
    if (done.has(name)) return undefined;
    done.add(name);
    const entry = segments.get(name);
    if (entry === undefined) return undefined;
    for (const next of segmentsUsed(entry.condition)) {
      const cycle = walk(next, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  return walk(start, []);
}

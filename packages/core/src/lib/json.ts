import type { JsonValue } from '../wire.ts';
import { isPlainRecord } from './record.ts';

/** The value of JSON text; undefined if the text is not valid JSON. The parser's own error would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Deeper values are refused, which also ends the walk through a cycle. */
const MAX_DEPTH = 100;

/**
 * Whether JSON can carry a value: plain objects and arrays of strings, finite numbers, booleans and null. A property that
 * is undefined counts as missing.
 */
export function isJson(value: unknown, depth = 0): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return Array.from(value).every((item) => isJson(item, depth + 1));
  return (
    isPlainRecord(value) &&
    Object.values(value).every((inner) => inner === undefined || isJson(inner, depth + 1))
  );
}

/**
 * Whether two JSON values are equal. The order of an object's properties does not matter. Values that JSON does not
 * have, such as a Date, and values nested too deeply to compare are equal only to themselves.
 */
export function sameJson(left: unknown, right: unknown): boolean {
  try {
    if (Object.is(left, right)) return true;
    const areAlike = Array.isArray(left) ? Array.isArray(right) : isPlainRecord(left) && isPlainRecord(right);
    return areAlike && haveSameMembers(left as Record<string, unknown>, right as Record<string, unknown>);
  } catch {
    return false;
  }
}

function haveSameMembers(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameJson(left[name], right[name]))
  );
}

/** JSON text that is the same for equal JSON values. Smaller and slower than {@link canonicalJson}: for browsers. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && !Array.isArray(inner) && typeof inner === 'object'
      ? Object.fromEntries(
          Object.keys(inner)
            .sort()
            .map((name) => [name, inner[name]]),
        )
      : inner,
  );
}

/** JSON text that is the same for equal values: properties are sorted, and those that are undefined are left out. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`);
  return `{${members.join(',')}}`;
}

import type { JsonValue } from '@smooai/config';

/** Whether a value is a JSON object: not null and not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses JSON text. Returns undefined if it is not valid JSON. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Whether two JSON values are equal, regardless of the order of their properties. */
export function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return canonicalText(one) === canonicalText(other);
}

function canonicalText(value: JsonValue | undefined): string {
  const sortProperties = (_key: string, inner: unknown): unknown =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sortProperties) ?? 'undefined';
}

import type { JsonValue } from '../wire.ts';

/** Deeper values are refused, which also ends a walk around a cycle. */
const DEEPEST = 100;

/**
 * Whether a value is the same after a trip over the wire: plain objects and lists of strings, finite numbers, booleans
 * and null. A property that is undefined counts as one that is not there.
 */
export function isJson(value: unknown, depth = 0): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > DEEPEST) return false;
  if (Array.isArray(value)) return Array.from(value).every((item) => isJson(item, depth + 1));
  return (
    isPlain(value) && Object.values(value).every((inner) => inner === undefined || isJson(inner, depth + 1))
  );
}

/** Whether JSON text gives a value back as it is; {@link isJson} allows undefined properties and negative zero too. */
export function isExactJson(value: unknown, depth = 0): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > DEEPEST || !(Array.isArray(value) || isPlain(value))) return false;
  const items: unknown[] = Array.isArray(value) ? value : Object.values(value);
  for (const item of items) if (!isExactJson(item, depth + 1)) return false;
  return true;
}

/** An object literal, of any realm, and no instance of a class such as Date or URL. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

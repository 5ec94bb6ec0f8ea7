import { isPlainRecord } from './record.ts';

/** Deeper values are refused, which also ends the walk through a cycle. */
const MAX_DEPTH = 100;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Says why JSON would change, drop or refuse a value, such as `Infinity` or `a Date at "opens.at"`; undefined if it would
 * not. A property that is undefined counts as missing, as it does in JSON.
 */
export function jsonFault(value: unknown): string | undefined {
  return faultAt(value, []);
}

function faultAt(value: unknown, path: readonly string[]): string | undefined {
  const fault =
    path.length > MAX_DEPTH ? 'a value that contains itself or is nested too deeply' : ownFault(value);
  if (fault !== undefined) return describe(fault, path);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return firstFault(Array.from(value).entries(), path);
  for (const name of Object.keys(value)) {
    if (LONE_SURROGATE.test(name)) return describe('a property name with half of a surrogate pair', path);
  }
  return firstFault(
    Object.entries(value).filter(([, inner]) => inner !== undefined),
    path,
  );
}

function firstFault(
  members: Iterable<[string | number, unknown]>,
  path: readonly string[],
): string | undefined {
  for (const [name, inner] of members) {
    const fault = faultAt(inner, [...path, String(name)]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function describe(fault: string, path: readonly string[]): string {
  if (path.length === 0 || path.length > MAX_DEPTH) return fault;
  return `${fault} at ${JSON.stringify(path.join('.'))}`;
}

/** What is wrong with a value itself, without those inside it. */
function ownFault(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
      if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : undefined;
      return String(value);
    case 'string':
      return LONE_SURROGATE.test(value) ? 'a string with half of a surrogate pair' : undefined;
    case 'boolean':
      return undefined;
    case 'object':
      if (value === null || Array.isArray(value)) return undefined;
      return isPlainRecord(value) ? symbolFault(value) : `an instance of ${className(value)}`;
    default:
      return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  }
}

function symbolFault(value: object): string | undefined {
  return Object.getOwnPropertySymbols(value).length === 0 ? undefined : 'an object with a symbol as property';
}

function className(value: object): string {
  const { constructor: made } = value as { constructor?: { name?: unknown } };
  return typeof made?.name === 'string' && made.name !== '' ? made.name : 'a class';
}

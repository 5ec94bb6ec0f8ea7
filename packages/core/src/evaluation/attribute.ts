import { isRecord } from '../lib/record.ts';
import type { EvaluationContext } from '../wire.ts';

/** An attribute's name, taken apart once. */
export interface Attribute {
  readonly name: string;
  /** The names along its dots; `undefined` where it has none. */
  readonly path: readonly string[] | undefined;
}

/** Takes an attribute's name apart, for {@link readAttribute}. */
export function parseAttribute(name: string): Attribute {
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const path = name.includes('.') ? name.split('.').map(interned) : undefined;
  const attribute = { name: interned(name), path };
  if (name.length <= LONGEST_KEPT) {
    if (parsed.size >= MOST_KEPT) parsed.clear();
    parsed.set(attribute.name, attribute);
  }
  return attribute;
}

/** Rules are many and their attributes few, so each is held once; the bounds are for hostile rulesets. */
const parsed = new Map<string, Attribute>();
const MOST_KEPT = 1_000;
const LONGEST_KEPT = 100;

/**
 * Reads an attribute: the context's own property of that exact name, else the path along its dots through own
 * properties of objects, never of arrays and never of a prototype; `undefined` where it is missing.
 * Throws what a getter or a proxy in the context throws; callers take that as missing.
 */
export function readAttribute(context: EvaluationContext, { name, path }: Attribute): unknown {
  if (Object.hasOwn(context, name)) return context[name];
  return path === undefined ? undefined : walk(context, path);
}

/** Whoever is evaluated for: what is no object, or is a list, has no attributes. */
export function asSubject(context: unknown): EvaluationContext {
  try {
    return isRecord(context) ? context : NO_ATTRIBUTES;
  } catch {
    // A revoked proxy does not even tell whether it is a list.
    return NO_ATTRIBUTES;
  }
}

const NO_ATTRIBUTES: EvaluationContext = Object.freeze({});

function walk(context: EvaluationContext, path: readonly string[]): unknown {
  let value: unknown = context;
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** The same text in the form in which the engine keeps property names: a look-up by it need not search for it first. */
function interned(name: string): string {
  const [own = name] = Object.keys({ [name]: true });
  return own;
}

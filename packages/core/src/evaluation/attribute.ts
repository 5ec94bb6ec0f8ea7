import { isRecord } from '../lib/record.ts';
import type { EvaluationContext } from '../wire.ts';

/** A parsed attribute name. */
export interface Attribute {
  readonly name: string;
  /** The names between its dots; `undefined` if it has no dot. */
  readonly path: readonly string[] | undefined;
}

/** Parses an attribute's name for {@link readAttribute}. */
export function parseAttribute(name: string): Attribute {
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const path = name.includes('.') ? name.split('.').map(interned) : undefined;
  const attribute = { name: interned(name), path };
  if (name.length <= MAX_KEPT_LENGTH) {
    if (parsed.size >= MAX_KEPT) parsed.clear();
    parsed.set(attribute.name, attribute);
  }
  return attribute;
}

/** Many rules use few attributes, so each is held once. The limits protect against hostile rulesets. */
const parsed = new Map<string, Attribute>();
const MAX_KEPT = 1_000;
const MAX_KEPT_LENGTH = 100;

/**
 * Reads an attribute: the context's own property with that exact name, else the path between its dots. Paths go through
 * own properties of objects only, not of arrays or prototypes. `undefined` if the attribute is missing.
 * Throws whatever a getter or proxy in the context throws; callers treat that as missing.
 */
export function readAttribute(context: EvaluationContext, { name, path }: Attribute): unknown {
  if (Object.hasOwn(context, name)) return context[name];
  return path === undefined ? undefined : walk(context, path);
}

/** The attributes of a context; none if it is not an object, or is an array. */
export function attributesOf(context: unknown): EvaluationContext {
  try {
    return isRecord(context) ? context : NO_ATTRIBUTES;
  } catch {
    // Even `Array.isArray` throws for a revoked proxy.
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

/** The same string, interned by the engine as property names are: looking a property up by it is faster. */
function interned(name: string): string {
  const [own = name] = Object.keys({ [name]: true });
  return own;
}

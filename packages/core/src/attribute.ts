import { isRecord } from './own-property.ts';
import type { EvaluationContext } from './wire.ts';

/** An attribute's name, taken apart once. */
export interface Attribute {
  readonly name: string;
  /** The names along its dots; `undefined` where it has none. */
  readonly path: readonly string[] | undefined;
}

/** Takes an attribute's name apart, for {@link readAttribute}. */
export function parseAttribute(name: string): Attribute {
  return { name, path: name.includes('.') ? name.split('.') : undefined };
}

/**
 * Reads an attribute: the context's own property of that exact name, else the path along its dots through own
 * properties of objects, never of arrays and never of a prototype; `undefined` where it is missing.
 * Throws what a getter or a proxy in the context throws; callers take that as missing.
 */
export function readAttribute(context: EvaluationContext, { name, path }: Attribute): unknown {
  if (Array.isArray(context)) return undefined;
  if (Object.hasOwn(context, name)) return context[name];
  return path === undefined ? undefined : walk(context, path);
}

function walk(context: EvaluationContext, path: readonly string[]): unknown {
  let value: unknown = context;
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

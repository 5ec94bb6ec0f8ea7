import { isRecord } from './own-property.ts';
import type { EvaluationContext } from './wire.ts';

/** Reads one attribute; `undefined` where it is missing. */
export type AttributeReader = (context: EvaluationContext) => unknown;

/**
 * Prepares the lookup of an attribute: the context's own property of that exact name, else the path along its dots
 * through own properties of objects, never of arrays and never of a prototype.
 * The reader throws what a getter or a proxy in the context throws; callers take that as missing.
 */
export function attributeReader(path: string): AttributeReader {
  if (!path.includes('.')) {
    return (context) => (Object.hasOwn(context, path) && !Array.isArray(context) ? context[path] : undefined);
  }
  const names = path.split('.');
  return (context) => {
    if (Array.isArray(context)) return undefined;
    return Object.hasOwn(context, path) ? context[path] : walk(context, names);
  };
}

function walk(context: EvaluationContext, names: readonly string[]): unknown {
  let value: unknown = context;
  for (const name of names) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

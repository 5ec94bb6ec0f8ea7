import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { sampleValues } from './sample-values.ts';
import type { JsonValue } from './wire.ts';

/** Whether a value is a validator of a Standard Schema library. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // arktype's schemas are functions
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  if (!('~standard' in value)) return false;
  const standard = value['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}

/** Whether a validator can tell its JSON Schema. */
export function hasJsonSchema(schema: StandardSchemaV1): schema is StandardSchemaV1 & StandardJSONSchemaV1 {
  return 'jsonSchema' in schema['~standard'];
}

/** Kinds of values for an asynchronous check to show itself, which runs only after the type fits. */
const PROBES: readonly unknown[] = [
  undefined,
  null,
  '',
  'a',
  'https://example.com',
  0,
  1,
  true,
  false,
  [],
  {},
];

/** Whether a validator answers any of many kinds of values with a promise. */
export function isAsynchronous(validator: StandardSchemaV1): boolean {
  // A check within an object, a list or a union is reached only by a value of that shape.
  return [...PROBES, ...samplesFor(validator)].some((probe) => {
    try {
      return isThenable(validator['~standard'].validate(probe));
    } catch {
      // A transform may throw on a value that it does not expect; that is its answer to a bad value.
      return false;
    }
  });
}

function samplesFor(validator: StandardSchemaV1): JsonValue[] {
  if (!hasJsonSchema(validator)) return [];
  try {
    return sampleValues(validator['~standard'].jsonSchema.input({ target: 'draft-2020-12' }));
  } catch {
    // It has no JSON Schema; `toJsonSchema` says so where that matters.
    return [];
  }
}

/** Whether a validator answered with a promise, of any realm; its failure is then nobody's any more. */
export function isThenable(result: unknown): result is PromiseLike<unknown> {
  if (typeof result !== 'object' || result === null || !('then' in result)) return false;
  if (typeof result.then !== 'function') return false;
  Promise.resolve(result).catch(() => undefined);
  return true;
}

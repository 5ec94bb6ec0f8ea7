import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { isThenable } from '../lib/guarded-call.ts';

/** Whether a value is a validator of a Standard Schema library. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // arktype's schemas are functions
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  if (!('~standard' in value)) return false;
  const standard = value['~standard'];
  return typeof standard === 'object' && standard !== null && 'validate' in standard;
}

/** Whether a validator can convert itself to JSON Schema. */
export function hasJsonSchema(schema: StandardSchemaV1): schema is StandardSchemaV1 & StandardJSONSchemaV1 {
  return 'jsonSchema' in schema['~standard'];
}

/** The result of a validator, or why there is none. */
export type Validation = StandardSchemaV1.Result<unknown> | 'threw' | 'asynchronous';

/**
 * Runs a validator once. Never throws. If it is asynchronous, the rejection of its promise is ignored; only zod itself
 * discards the promise of a check, so a rejection there cannot be caught.
 */
export function validateSync(validator: StandardSchemaV1, value: unknown): Validation {
  try {
    const result = hasSafeParse(validator)
      ? safeParse(validator, value)
      : validator['~standard'].validate(value);
    if (result === 'asynchronous' || isPromise(result)) return 'asynchronous';
    // arktype returns the promise of an asynchronous morph as the value.
    return result.issues === undefined && isPromise(result.value) ? 'asynchronous' : result;
  } catch {
    return 'threw';
  }
}

/** The part of a zod schema that {@link safeParse} needs. */
interface WithSafeParse {
  safeParse: (
    value: unknown,
  ) => { success: true; data: unknown } | { success: false; error: { issues: StandardSchemaV1.Issue[] } };
}

function hasSafeParse(validator: StandardSchemaV1): validator is StandardSchemaV1 & WithSafeParse {
  if (validator['~standard'].vendor !== 'zod' || !('safeParse' in validator)) return false;
  return typeof validator.safeParse === 'function';
}

/**
 * zod's `~standard.validate` runs a schema again, asynchronously, when one of its checks throws, so a check that throws
 * looks like one that is asynchronous. `safeParse` runs it once and tells them apart.
 */
function safeParse(
  zodSchema: WithSafeParse,
  value: unknown,
): StandardSchemaV1.Result<unknown> | 'asynchronous' {
  try {
    const result = zodSchema.safeParse(value);
    return result.success ? { value: result.data } : { issues: result.error.issues };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Encountered Promise')) return 'asynchronous';
    throw error;
  }
}

function isPromise<Value>(value: Value | PromiseLike<unknown>): value is PromiseLike<unknown> {
  if (!isThenable(value)) return false;
  Promise.resolve(value).catch(() => undefined);
  return true;
}

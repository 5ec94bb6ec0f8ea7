import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonValue } from '../wire.ts';
import { sampleValues } from './sample-values.ts';

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

/** Whether a validator's JSON Schema holds such a name; false where it has none. */
export function declaresName(validator: StandardSchemaV1, name: PropertyKey): boolean {
  if (!hasJsonSchema(validator)) return false;
  try {
    const schema = validator['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
    return JSON.stringify(schema).includes(`${JSON.stringify(String(name))}:`);
  } catch {
    return false;
  }
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
  return [...PROBES, ...samplesFor(validator)].some(
    (probe) => validateNow(validator, probe) === 'asynchronous',
  );
}

/** The result of a validator, or why there is none: it threw an error, or it answered with a promise. */
export function validateNow(
  validator: StandardSchemaV1,
  value: unknown,
): StandardSchemaV1.Result<unknown> | 'threw' | 'asynchronous' {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    result = validator['~standard'].validate(value);
  } catch {
    return 'threw';
  }
  if (!isThenable(result)) return result;
  return isZodThrowing(validator, value) ? 'threw' : 'asynchronous';
}

/** zod turns an error that a synchronous check throws into a promise too; its own `safeParse` tells the two apart. */
function isZodThrowing(validator: StandardSchemaV1, value: unknown): boolean {
  if (validator['~standard'].vendor !== 'zod' || !('safeParse' in validator)) return false;
  if (typeof validator.safeParse !== 'function') return false;
  try {
    validator.safeParse(value);
    return false;
  } catch (error) {
    return !(error instanceof Error && error.message.startsWith('Encountered Promise'));
  }
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
function isThenable<Result>(result: Result | Promise<Result>): result is Promise<Result> {
  if (typeof result !== 'object' || result === null || !('then' in result)) return false;
  if (typeof result.then !== 'function') return false;
  Promise.resolve(result).catch(() => undefined);
  return true;
}

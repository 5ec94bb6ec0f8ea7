import { type AnyConfig, defineConfig, OptionsError, toJsonSchema } from '@smooai/config';
import { CODE_LIMITS } from './variant-code.ts';
import type { VariantValue } from './variant-types.ts';

/**
 * Returns the values that a flag can have, its default first: the given ones, or those of the schema.
 *
 * @throws {OptionsError} if they cannot be found out, or are not strings, numbers, booleans or null.
 */
export function possibleValues(config: AnyConfig, key: string, given: unknown): VariantValue[] {
  const fallback = parsed(config, key, undefined);
  const found = given === undefined ? schemaValues(config, key) : given;
  if (!Array.isArray(found) || found.length === 0) {
    throw new OptionsError(
      'possibleValues',
      `variants: the possible values of the flag "${key}" are not known. List them: variants(['${key}'], { ${key}: [ … ] }).`,
    );
  }
  const wrong = found.find((value) => !isVariantValue(value));
  if (wrong !== undefined) {
    throw new OptionsError(
      'possibleValues',
      `variants: a possible value of the flag "${key}" is of type ${typeof wrong}. Use strings, numbers, booleans or null.`,
    );
  }
  const values = new Set<VariantValue>(isVariantValue(fallback) ? [fallback, ...found] : found);
  if (values.size <= CODE_LIMITS.values) return [...values];
  throw new OptionsError(
    'possibleValues',
    `variants: the flag "${key}" has ${values.size} possible values. List at most ${CODE_LIMITS.values}, those that pages differ in.`,
  );
}

function isVariantValue(value: unknown): value is VariantValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** A JSON Schema, as far as it lists values. */
interface ListOfValues {
  type?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: ListOfValues[];
}

/** The values that the validator returns for all that it accepts; undefined if the schema does not list them. */
function schemaValues(config: AnyConfig, key: string): unknown[] | undefined {
  const flags = { [key]: config.flags[key] } as AnyConfig['flags'];
  let schema: ListOfValues | undefined;
  try {
    schema = toJsonSchema(defineConfig({ flags })).properties.featureFlagSchema.properties[key];
  } catch {
    // A validator without JSON Schema, such as valibot's. The caller says what to do.
    return undefined;
  }
  return listed(schema)?.map((value) => parsed(config, key, value));
}

function listed(schema: ListOfValues | undefined): unknown[] | undefined {
  if (schema === undefined) return undefined;
  if (schema.enum !== undefined) return schema.enum;
  if ('const' in schema) return [schema.const];
  if (schema.type === 'boolean') return [false, true];
  if (schema.type === 'null') return [null];
  const members = schema.anyOf?.map(listed);
  return members?.includes(undefined) ? undefined : (members as unknown[][] | undefined)?.flat();
}

/** The value that the validator makes of another one; undefined if it refuses it. */
function parsed(config: AnyConfig, key: string, value: unknown): unknown {
  const result = config.flags[key]?.['~standard'].validate(value);
  return result === undefined || result instanceof Promise || result.issues !== undefined
    ? undefined
    : result.value;
}

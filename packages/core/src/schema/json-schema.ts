import { SchemaError } from '../errors.ts';
import { isJson } from '../lib/json.ts';
import { jsonFault } from '../lib/json-fault.ts';
import { TIERS } from '../tiers.ts';
import type { JsonSchema, TierSchema, WireSchema } from '../wire.ts';
import type { AnyConfig, KeyDefinition } from './config-types.ts';
import { inputJsonSchema } from './json-schema-input.ts';
import type { LimitDefinition } from './limit.ts';
import { parseValue } from './parse-value.ts';
import { hasJsonSchema } from './standard-schema.ts';
import { mapSubschemas } from './subschemas.ts';

/**
 * The schema document that is pushed to the config server: one object schema per tier, with the JSON Schema (draft
 * 2020-12) of each validator's input.
 *
 * @throws {SchemaError} if a validator cannot be converted, or its document would not be JSON. zod ≥ 4.2 and arktype ≥ 2.1.28 can; wrap valibot's with
 * `toStandardJsonSchema` from `@valibot/to-json-schema`.
 */
export function toJsonSchema(config: AnyConfig): WireSchema {
  const properties: WireSchema['properties'] = {
    publicConfigSchema: { type: 'object', properties: {} },
    secretConfigSchema: { type: 'object', properties: {} },
    featureFlagSchema: { type: 'object', properties: {} },
    limitsSchema: { type: 'object', properties: {} },
  };
  for (const { tier, schema } of TIERS) {
    const target: TierSchema = properties[schema];
    for (const definition of config.keys.values()) {
      if (definition.tier === tier) target.properties[definition.key] = keyJsonSchema(definition);
    }
  }
  return { type: 'object', properties };
}

const REMEDIES: Readonly<Record<string, string>> = {
  valibot: 'Install "@valibot/to-json-schema", and wrap the validator with its toStandardJsonSchema(…).',
  effect:
    'Add a "jsonSchema" to its "~standard": docs/validators.md of @smooai/config has the function for it.',
  zod: 'Update zod to 4.2 or newer.',
  arktype: 'Update arktype to 2.1.28 or newer.',
};

function keyJsonSchema(definition: KeyDefinition): JsonSchema {
  if (definition.limit !== undefined) return limitJsonSchema(definition.limit);
  const { key, validator } = definition;
  if (validator === undefined || !hasJsonSchema(validator)) {
    const vendor = validator?.['~standard'].vendor ?? 'unknown';
    const remedy =
      REMEDIES[vendor] ?? 'Use a library with Standard JSON Schema: zod ≥ 4.2 or arktype ≥ 2.1.28.';
    throw new SchemaError(
      `The validator of "${key}" (${vendor}) cannot be converted to JSON Schema. ${remedy}`,
      key,
    );
  }
  let schema: JsonSchema;
  try {
    schema = withDefault(definition, inputJsonSchema(validator));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SchemaError(`The validator of "${key}" cannot be converted to JSON Schema: ${reason}`, key);
  }
  const fault = hasLostDefault(definition, schema) ? 'its default' : jsonFault(schema);
  if (fault === undefined) return schema;
  throw new SchemaError(
    `The validator of "${key}" cannot be converted to JSON Schema: JSON cannot carry ${fault}.`,
    key,
  );
}

/** Whether `null` stands for a default that JSON has not, as libraries write it with `JSON.stringify`. */
function hasLostDefault(definition: KeyDefinition, schema: JsonSchema): boolean {
  if (schema.default !== null) return false;
  const [fallback, ofNull] = [parseValue(definition, undefined), parseValue(definition, null)];
  if (!fallback.ok) return false;
  return !ofNull.ok || isJson(fallback.value) !== isJson(ofNull.value);
}

/** The server returns the default if nothing is stored, so the document carries it. A secret's default stays here. */
function withDefault(definition: KeyDefinition, schema: JsonSchema): JsonSchema {
  if (definition.tier === 'secret') return withoutValues(schema);
  if ('default' in schema) return schema;
  const fallback = parseValue(definition, undefined);
  return fallback.ok && isJson(fallback.value) ? { ...schema, default: fallback.value } : schema;
}

/** Removes a secret's defaults and examples at any depth: they may be real ones. */
function withoutValues(schema: JsonSchema): JsonSchema {
  const { default: _, examples: __, ...rest } = mapSubschemas(schema, withoutValues);
  return rest;
}

function limitJsonSchema(limit: LimitDefinition): JsonSchema {
  return {
    type: 'number',
    default: limit.default,
    ...(limit.min !== undefined && { minimum: limit.min }),
    ...(limit.max !== undefined && { maximum: limit.max }),
    ...(limit.step !== undefined && { multipleOf: limit.step }),
  };
}

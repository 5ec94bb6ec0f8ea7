import { SchemaError } from '../errors.ts';
import { isJson } from '../lib/json.ts';
import { TIERS } from '../tiers.ts';
import type { JsonSchema, JsonValue, TierSchema, WireSchema } from '../wire.ts';
import type { AnyConfig, KeyDefinition } from './config-types.ts';
import { inputJsonSchema } from './json-schema-input.ts';
import type { LimitDefinition } from './limit.ts';
import { parseValue } from './parse-value.ts';
import { hasJsonSchema } from './standard-schema.ts';

/**
 * The schema document that is pushed to the config server: one object schema a tier, in JSON Schema draft 2020-12 of
 * each validator's input.
 *
 * @throws {SchemaError} where a validator cannot tell its JSON Schema. zod ≥ 4.2 and arktype ≥ 2.1.28 can; valibot's
 * are wrapped with `toStandardJsonSchema` of `@valibot/to-json-schema`.
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

function keyJsonSchema(definition: KeyDefinition): JsonSchema {
  if (definition.limit !== undefined) return limitJsonSchema(definition.limit);
  const { key, validator } = definition;
  if (validator === undefined || !hasJsonSchema(validator)) {
    const vendor = validator?.['~standard'].vendor ?? 'unknown';
    const remedy =
      vendor === 'valibot'
        ? 'Wrap it: toStandardJsonSchema(…) from "@valibot/to-json-schema".'
        : 'Use a library with Standard JSON Schema: zod ≥ 4.2, arktype ≥ 2.1.28, or valibot with @valibot/to-json-schema.';
    throw new SchemaError(
      `The validator of "${key}" (${vendor}) cannot tell its JSON Schema. ${remedy}`,
      key,
    );
  }
  try {
    return withDefault(definition, inputJsonSchema(validator));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SchemaError(`The validator of "${key}" has no JSON Schema: ${reason}`, key);
  }
}

/** The server answers with the default where nothing is stored, so the document must carry it; a secret's stays here. */
function withDefault(definition: KeyDefinition, schema: JsonSchema): JsonSchema {
  if (definition.tier === 'secret') return withoutValues(schema);
  if ('default' in schema) return schema;
  const fallback = parseValue(definition, undefined);
  return fallback.ok && isJson(fallback.value) ? { ...schema, default: fallback.value } : schema;
}

/** Keywords whose members are names of the user's, and not keywords. */
const MAPS_OF_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/** Without the defaults and examples of a secret, at any depth: they may be real ones. */
function withoutValues(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).flatMap(([keyword, value]): [string, JsonValue][] => {
    if (keyword === 'default' || keyword === 'examples') return [];
    if (keyword === 'enum' || keyword === 'const') return [[keyword, value]];
    if (!MAPS_OF_SCHEMAS.has(keyword) || !isRecord(value)) return [[keyword, withoutValuesWithin(value)]];
    const schemas = Object.entries(value).map(([name, inner]) => [name, withoutValuesWithin(inner)] as const);
    return [[keyword, Object.fromEntries(schemas)]];
  });
  return Object.fromEntries(entries);
}

function withoutValuesWithin(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutValuesWithin);
  return isRecord(value) ? withoutValues(value) : value;
}

function isRecord(value: JsonValue): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

import { isRecord } from '../lib/record.ts';
import type { JsonSchema, JsonValue } from '../wire.ts';

/** Keywords whose value is a record of the user's names, each with a schema. */
const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);

/** Keywords whose value is data, although it may look like a schema. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required']);

/** A copy of a JSON Schema with each schema directly inside it replaced. */
export function mapSubschemas(
  schema: JsonSchema,
  replace: (subschema: JsonSchema) => JsonSchema,
): JsonSchema {
  const within = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(within);
    return isRecord(value) ? replace(value) : value;
  };
  const entries = Object.entries(schema).map(([keyword, value]): [string, JsonValue] => {
    if (DATA.has(keyword)) return [keyword, value];
    if (!MAPS_OF_SCHEMAS.has(keyword) || !isRecord(value)) return [keyword, within(value)];
    const members = Object.entries(value).map(([name, inner]) => [name, within(inner)] as const);
    return [keyword, Object.fromEntries(members)];
  });
  return Object.fromEntries(entries);
}

/** Whether a JSON Schema declares a property of that name, at any depth. */
export function declaresProperty(schema: JsonSchema, name: string): boolean {
  if (isRecord(schema.properties) && Object.hasOwn(schema.properties, name)) return true;
  let isDeclared = false;
  mapSubschemas(schema, (subschema) => {
    isDeclared ||= declaresProperty(subschema, name);
    return subschema;
  });
  return isDeclared;
}

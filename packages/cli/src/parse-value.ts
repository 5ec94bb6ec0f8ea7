import type { JsonSchema, JsonValue } from '@smooai/config';
import type { CatalogKey } from './catalog.ts';
import { UsageError } from './errors.ts';
import { isTargeted, valueText } from './format.ts';

/**
 * The value that a text means for a key: the text itself where the key's schema wants a string, else its JSON.
 *
 * @throws {UsageError} where it is no JSON; a secret's text is not repeated.
 */
export function parseValueText(text: string, key: CatalogKey): JsonValue {
  const types = wantedTypes(key.jsonSchema);
  const parsed = parseJson(text);
  const isTargetable = key.tier === 'feature_flag' || key.tier === 'limit';
  if (isTargetable && parsed !== undefined && isTargeted(parsed)) return parsed;
  if (types.size === 1 && types.has('string')) return text;
  if (parsed !== undefined && (types.size === 0 || types.has(typeOf(parsed)))) return parsed;
  if (types.has('string')) return text;
  // Of another type than the schema's: the server says what it wants, and where.
  if (parsed !== undefined) return parsed;
  const wanted = types.size === 0 ? 'JSON' : [...types].join(' or ');
  const got = key.tier === 'secret' ? 'the value' : JSON.stringify(text);
  throw new UsageError(`${key.fullName} wants ${wanted}, and ${got} is not.${hint(types)}`);
}

function hint(types: ReadonlySet<string>): string {
  if (types.has('boolean')) return ' Give true or false.';
  if (types.has('number')) return ' Give a number, such as 20.';
  if (types.has('array')) return ' Give JSON, such as \'["a","b"]\'.';
  return ' Give JSON; text in it stands in double quotes.';
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** The JSON types that a schema may take, as far as it says so; empty for "any". */
function wantedTypes(schema: JsonSchema): Set<string> {
  const { type, enum: choices } = schema;
  if (typeof type === 'string') return new Set([wide(type)]);
  if (Array.isArray(type)) return new Set(type.map((name) => wide(valueText(name))));
  if (schema.const !== undefined) return new Set([typeOf(schema.const)]);
  if (Array.isArray(choices)) return new Set(choices.map(typeOf));
  for (const union of [schema.anyOf, schema.oneOf]) {
    if (!Array.isArray(union)) continue;
    const parts = union.map((part) => (isObject(part) ? wantedTypes(part) : new Set<string>()));
    return parts.some((part) => part.size === 0) ? new Set() : new Set(parts.flatMap((part) => [...part]));
  }
  return new Set();
}

function isObject(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function wide(type: string): string {
  return type === 'integer' ? 'number' : type;
}

import { isTargetable, type JsonSchema, type JsonValue } from '@smooai/config';
import type { CatalogKey } from './catalog.ts';
import { UsageError } from './errors.ts';
import { isRecord, parseJson } from './json.ts';
import { isTargeted, valueText } from './text/value-text.ts';

/**
 * Parses the text of a value for a key: kept as text if the key's schema expects a string, else parsed as JSON.
 *
 * @throws {UsageError} if the text is not valid JSON. The message does not repeat a secret.
 */
export function parseValueText(text: string, key: CatalogKey): JsonValue {
  const types = expectedTypes(key.jsonSchema);
  const parsed = parseJson(text);
  if (isTargetable(key.tier) && parsed !== undefined && isTargeted(parsed)) return parsed;
  if (types.size === 1 && types.has('string')) return text;
  if (parsed !== undefined && (types.size === 0 || types.has(typeOf(parsed)))) return parsed;
  if (types.has('string')) return text;
  // JSON of another type: the server's refusal says what it expects, and where.
  if (parsed !== undefined) return parsed;
  const expected = types.size === 0 ? 'JSON' : [...types].map(withArticle).join(' or ');
  const actual = key.tier === 'secret' ? 'the value' : JSON.stringify(text);
  throw new UsageError(`${key.fullName} must be ${expected}, but ${actual} is not.${hint(types)}`);
}

function withArticle(type: string): string {
  if (type === 'null') return type;
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function hint(types: ReadonlySet<string>): string {
  if (types.has('boolean')) return ' Use true or false.';
  if (types.has('number')) return ' Use a number, such as 20.';
  if (types.has('array')) return ' Use JSON, such as \'["a","b"]\'.';
  if (types.has('object')) return ' Use JSON, such as \'{"size":"large"}\'.';
  return ' Use JSON, with double quotes around text.';
}

/** Returns the JSON types that a schema accepts, as far as it says so. Empty for any type. */
function expectedTypes(schema: JsonSchema): Set<string> {
  const { type, enum: choices } = schema;
  if (typeof type === 'string') return new Set([jsonType(type)]);
  if (Array.isArray(type)) return new Set(type.map((name) => jsonType(valueText(name))));
  if (schema.const !== undefined) return new Set([typeOf(schema.const)]);
  if (Array.isArray(choices)) return new Set(choices.map(typeOf));
  for (const union of [schema.anyOf, schema.oneOf]) {
    if (!Array.isArray(union)) continue;
    const parts = union.map((part) => (isRecord(part) ? expectedTypes(part) : new Set<string>()));
    return parts.some((part) => part.size === 0) ? new Set() : new Set(parts.flatMap((part) => [...part]));
  }
  return new Set();
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function jsonType(schemaType: string): string {
  return schemaType === 'integer' ? 'number' : schemaType;
}

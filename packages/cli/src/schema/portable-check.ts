import type { JsonSchema, WireSchema } from '@smooai/config';
import { schemaKeys } from '../catalog.ts';
import { isRecord } from '../json.ts';

/** A part of a schema that not all of the platform's SDKs understand. */
export interface PortabilityIssue {
  /** The key, and the way to the part inside its schema: `public.links.items`. */
  path: string;
  keyword: string;
  message: string;
  suggestion: string;
}

/** Keywords whose value contains schemas, and how. */
const NESTED: ReadonlyMap<string, 'schema' | 'list' | 'map'> = new Map([
  ['items', 'schema'],
  ['additionalProperties', 'schema'],
  ['anyOf', 'list'],
  ['oneOf', 'list'],
  ['allOf', 'list'],
  ['properties', 'map'],
  ['$defs', 'map'],
  ['definitions', 'map'],
]);

/** Understood by the platform's SDKs in every language. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  ...NESTED.keys(),
  ...['type', 'required', 'enum', 'const', 'default', 'title', 'description', '$schema', '$ref'],
  ...['minLength', 'maxLength', 'pattern', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minItems', 'maxItems', 'uniqueItems'],
]);

const FORMATS: readonly string[] = ['email', 'uri', 'uuid', 'date-time', 'ipv4', 'ipv6'];

/** These say something about a value without restricting it, so an SDK may ignore them. */
const ANNOTATION = /^(x-.*|\$comment|\$id|examples|deprecated|readOnly|writeOnly)$/;

const CONDITION = 'Use anyOf with one complete schema for each case.';
const COMBINATION = 'Use anyOf with one complete schema for each combination.';
const SUGGESTIONS: ReadonlyMap<string, string> = new Map([
  ['if', CONDITION],
  ['then', CONDITION],
  ['else', CONDITION],
  ['not', 'List the values that are allowed, with enum or anyOf.'],
  ['patternProperties', 'Name each property in properties, or allow any with additionalProperties.'],
  ['propertyNames', 'Name each property in properties.'],
  ['dependencies', COMBINATION],
  ['dependentRequired', COMBINATION],
  ['dependentSchemas', COMBINATION],
  ['contains', 'Use items with one schema for every item.'],
  ['prefixItems', 'Use items with one schema for every item, or an object with named properties.'],
  ['unevaluatedProperties', 'Use additionalProperties.'],
  ['unevaluatedItems', 'Use items.'],
]);
const GENERAL_SUGGESTION = 'Remove the check from the schema, and make it in your program.';

/** Finds what the platform's SDKs in other languages do not understand. */
export function findPortabilityIssues(jsonSchema: WireSchema): PortabilityIssue[] {
  const keys = schemaKeys({ id: '', name: '', jsonSchema });
  return keys.flatMap((key) => issuesOf(key.jsonSchema, key.fullName));
}

function issuesOf(schema: JsonSchema, path: string): PortabilityIssue[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword === 'format') return formatIssue(value, path);
    if (!UNDERSTOOD.has(keyword)) return ANNOTATION.test(keyword) ? [] : [keywordIssue(keyword, path)];
    return subschemasOf(keyword, value).flatMap(([name, inner]) => issuesOf(inner, `${path}.${name}`));
  });
}

function subschemasOf(keyword: string, value: unknown): [name: string, schema: JsonSchema][] {
  const kind = NESTED.get(keyword);
  const entries: [string, unknown][] =
    kind === 'schema'
      ? [[keyword, value]]
      : kind === 'list' && Array.isArray(value)
        ? value.map((inner: unknown, index) => [`${keyword}[${index}]`, inner])
        : kind === 'map' && isRecord(value)
          ? Object.entries(value)
          : [];
  return entries.filter((entry): entry is [string, JsonSchema] => isRecord(entry[1]));
}

function keywordIssue(keyword: string, path: string): PortabilityIssue {
  const message = `"${keyword}" is not understood by all SDKs of the platform`;
  return { path, keyword, message, suggestion: SUGGESTIONS.get(keyword) ?? GENERAL_SUGGESTION };
}

function formatIssue(format: unknown, path: string): PortabilityIssue[] {
  if (typeof format === 'string' && FORMATS.includes(format)) return [];
  const message = `the format ${JSON.stringify(format)} is not understood by all SDKs of the platform`;
  const suggestion = `Use one of ${FORMATS.join(', ')}, or a pattern.`;
  return [{ path, keyword: 'format', message, suggestion }];
}

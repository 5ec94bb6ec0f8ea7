import {
  defineLimit,
  findKeyIssue,
  type JsonSchema,
  type JsonValue,
  type SchemaDocument,
  SchemaError,
  TIERS,
  type TierNames,
} from '@smooai/config';
import { clip } from '../../lib/clip.ts';
import { Refusal } from '../refusal.ts';
import type { SchemaToCheck } from './check-job.ts';
import { checkJsonLimits, MAX_KEYS, MAX_SCHEMA_BYTES } from './json-limits.ts';
import type { RequestChecks } from './request-checks.ts';
import { readLimit } from './schema-keys.ts';
import {
  findContainerIssue,
  findKeywordIssue,
  isJsonObject,
  type KeywordIssue,
  withoutAnnotations,
} from './schema-keywords.ts';

const LIMIT_KEYWORDS: ReadonlySet<string> = new Set([
  'type',
  'default',
  'minimum',
  'maximum',
  'multipleOf',
  'title',
  'description',
  '$comment',
  'deprecated',
]);

/** A document without keys, for a schema that is created before its first push. */
export function emptySchemaDocument(): SchemaDocument {
  const properties = TIERS.map(({ schema }) => [schema, { type: 'object', properties: {} }]);
  return { type: 'object', properties: Object.fromEntries(properties) };
}

/**
 * Checks a schema document from a request. It is stored and served as it is.
 * @throws {Refusal} `invalid` naming the place and the reason, or `too-large`
 */
export async function checkSchemaDocument(given: unknown, checks: RequestChecks): Promise<SchemaDocument> {
  const schemas = readDocument(given);
  if (schemas.length > 0) await compileAll(schemas, checks);
  return given as SchemaDocument;
}

/** The schema of a key that a worker has to compile, and its place in the request. */
interface KeySchema {
  place: string;
  schema: SchemaToCheck;
}

async function compileAll(schemas: readonly KeySchema[], checks: RequestChecks): Promise<void> {
  const checked = await checks.compile(schemas.map(({ schema }) => schema));
  if (!checked.isComplete) {
    const { at, reason } = checked.stop;
    const place = schemas[at.schema]?.place ?? 'jsonSchema';
    throw new Refusal(
      'invalid',
      `Field "${place}" ${reason}. Simplify it: fewer properties, branches, references or patterns.`,
    );
  }
  const refusal = checked.result;
  if (refusal === undefined) return;
  const place = `${schemas[refusal.index]?.place ?? 'jsonSchema'}${refusal.path}`;
  throw new Refusal('invalid', `Field "${clip(place)}" is not a valid JSON Schema: ${refusal.reason}.`);
}

/** Checks everything but the schemas of keys, which it returns. */
function readDocument(document: unknown): KeySchema[] {
  checkJsonLimits(document, 'jsonSchema', MAX_SCHEMA_BYTES);
  const groups = requireObjectSchema(document, 'jsonSchema').properties ?? {};
  const reader: DocumentReader = { owners: new Map(), schemas: [] };
  const groupOf = new Map<TierNames, string>();
  for (const [group, schema] of Object.entries(groups)) {
    const names = tierOfGroup(group);
    const other = groupOf.get(names);
    if (other !== undefined) {
      throw new Refusal(
        'invalid',
        `Field "jsonSchema.properties.${group}" is the same tier as "${other}". Keep one of them.`,
      );
    }
    groupOf.set(names, group);
    readTier(reader, { names, group, schema });
  }
  return reader.schemas;
}

function tierOfGroup(group: string): TierNames {
  const names = TIERS.find((tier) => tier.schema === group || tier.schemaAlias === group);
  if (names !== undefined) return names;
  const known = TIERS.map((tier) => tier.schema).join(', ');
  const aliases = TIERS.map((tier) => tier.schemaAlias).join(', ');
  throw new Refusal(
    'invalid',
    `Field "jsonSchema.properties.${clip(group)}" is not a tier. The tiers are ${known} (or ${aliases}).`,
  );
}

/** What was found in a document so far. */
interface DocumentReader {
  /** The group of each key. */
  owners: Map<string, string>;
  schemas: KeySchema[];
}

function readTier(
  { owners, schemas }: DocumentReader,
  { names, group, schema }: { names: TierNames; group: string; schema: JsonValue },
): void {
  const path = `jsonSchema.properties.${group}`;
  const tier = requireObjectSchema(schema, path);
  for (const [key, value] of Object.entries(tier.properties ?? {})) {
    const place = `${path}.properties.${clip(key)}`;
    const issue = findKeyIssue(key);
    if (issue !== undefined) throw new Refusal('invalid', `Field "${place}": the key ${issue}.`);
    const other = owners.get(key);
    if (other !== undefined) {
      throw new Refusal(
        'invalid',
        `Field "${place}": "${key}" is also in ${other}. A key belongs to one tier.`,
      );
    }
    owners.set(key, group);
    if (owners.size > MAX_KEYS)
      throw new Refusal('invalid', `Field "jsonSchema" has more than ${MAX_KEYS} keys.`);
    if (!isJsonObject(value))
      throw new Refusal('invalid', `Field "${place}" must be a JSON Schema, as an object.`);
    if (names.tier === 'limit') checkLimitSchema(value, place);
    else schemas.push(readKeySchema(value, place));
  }
}

function requireObjectSchema(
  schema: unknown,
  path: string,
): { [keyword: string]: JsonValue } & { properties?: { [name: string]: JsonValue } } {
  if (!isJsonObject(schema)) throw new Refusal('invalid', `Field "${path}" must be an object.`);
  refuseKeyword(findContainerIssue(schema), path);
  const { type, properties, ...rest } = schema;
  if (type !== 'object') throw new Refusal('invalid', `Field "${path}.type" must be "object".`);
  if (properties === undefined) return rest;
  if (!isJsonObject(properties))
    throw new Refusal('invalid', `Field "${path}.properties" must be an object.`);
  return { ...rest, properties };
}

function readKeySchema(schema: JsonSchema, place: string): KeySchema {
  refuseKeyword(findKeywordIssue(schema), place);
  // Every key is checked as draft 2020-12, whatever dialect it names.
  const { $schema: _, ...original } = schema;
  const text = JSON.stringify(withoutAnnotations(schema));
  return { place, schema: { text, original: JSON.stringify(original), values: [] } };
}

function refuseKeyword(issue: KeywordIssue | undefined, place: string): void {
  if (issue === undefined) return;
  const end = /[.?]$/.test(issue.reason) ? '' : '.';
  throw new Refusal('invalid', `Field "${place}${issue.path}" ${issue.reason}${end}`);
}

function checkLimitSchema(schema: JsonSchema, place: string): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (!LIMIT_KEYWORDS.has(keyword)) {
      throw new Refusal(
        'invalid',
        `Field "${place}.${clip(keyword)}": the schema of a limit may only have ` +
          'type, default, minimum, maximum and multipleOf.',
      );
    }
    if (['default', 'minimum', 'maximum', 'multipleOf'].includes(keyword) && typeof value !== 'number') {
      throw new Refusal('invalid', `Field "${place}.${keyword}" must be a number.`);
    }
  }
  if (schema.type !== 'number') throw new Refusal('invalid', `Field "${place}.type" must be "number".`);
  if (schema.default === undefined) throw new Refusal('invalid', `Field "${place}.default" is required.`);
  try {
    defineLimit(readLimit(schema));
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw new Refusal('invalid', `Field "${place}": ${error.message.replace(/^defineLimit: /, '')}`);
  }
}

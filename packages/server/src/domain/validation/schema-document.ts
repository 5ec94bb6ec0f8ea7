import {
  defineLimit,
  type JsonSchema,
  type JsonValue,
  SchemaError,
  TIERS,
  type TierNames,
  type TierSchema,
  type WireSchema,
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

const KEY_PATTERN = /^[a-z][a-zA-Z0-9]*$/;
const MAX_KEY_LENGTH = 100;
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
export function emptySchemaDocument(): WireSchema {
  return readDocument({ type: 'object', properties: {} }).document;
}

/**
 * Checks a schema document from a request and adds the tiers that it leaves out.
 * @throws {Refusal} `invalid` naming the place and the reason, or `too-large`
 */
export async function checkSchemaDocument(given: unknown, checks: RequestChecks): Promise<WireSchema> {
  const { document, schemas } = readDocument(given);
  if (schemas.length > 0) await compileAll(schemas, checks);
  return document;
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

function readDocument(document: unknown): { document: WireSchema; schemas: KeySchema[] } {
  checkJsonLimits(document, 'jsonSchema', MAX_SCHEMA_BYTES);
  const root = requireObjectSchema(document, 'jsonSchema');
  const given = root.properties ?? {};
  for (const name of Object.keys(given)) {
    if (!TIERS.some((tier) => tier.schema === name)) {
      const known = TIERS.map((tier) => tier.schema).join(', ');
      throw new Refusal(
        'invalid',
        `Field "jsonSchema.properties.${clip(name)}" is not a tier. The tiers are ${known}.`,
      );
    }
  }
  const owners = new Map<string, TierNames>();
  const schemas: KeySchema[] = [];
  const tiers = Object.fromEntries(
    TIERS.map((names) => [names.schema, checkTier({ names, owners, schemas, schema: given[names.schema] })]),
  );
  return { document: { ...root, type: 'object', properties: tiers as WireSchema['properties'] }, schemas };
}

function checkTier(input: {
  names: TierNames;
  owners: Map<string, TierNames>;
  schemas: KeySchema[];
  schema: JsonValue | undefined;
}): TierSchema {
  const { names, owners, schemas, schema } = input;
  const path = `jsonSchema.properties.${names.schema}`;
  const tier = schema === undefined ? {} : requireObjectSchema(schema, path);
  const properties: Record<string, JsonSchema> = {};
  for (const [key, value] of Object.entries(tier.properties ?? {})) {
    const place = `${path}.properties.${clip(key)}`;
    checkKeyName(key, place);
    const other = owners.get(key);
    if (other !== undefined) {
      throw new Refusal(
        'invalid',
        `Field "${place}": "${key}" is also in ${other.schema}. A key belongs to one tier.`,
      );
    }
    owners.set(key, names);
    if (owners.size > MAX_KEYS)
      throw new Refusal('invalid', `Field "jsonSchema" has more than ${MAX_KEYS} keys.`);
    if (!isJsonObject(value))
      throw new Refusal('invalid', `Field "${place}" must be a JSON Schema, as an object.`);
    if (names.tier === 'limit') checkLimitSchema(value, place);
    else schemas.push(readKeySchema(value, place));
    properties[key] = value;
  }
  return { ...tier, type: 'object', properties };
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

function checkKeyName(key: string, place: string): void {
  if (!KEY_PATTERN.test(key)) {
    throw new Refusal(
      'invalid',
      `Field "${place}": a key must be camelCase: letters and digits, starting with a lower-case letter.`,
    );
  }
  if (key.length > MAX_KEY_LENGTH) {
    throw new Refusal('invalid', `Field "${place}": a key must have at most ${MAX_KEY_LENGTH} characters.`);
  }
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

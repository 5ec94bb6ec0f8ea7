import {
  clampLimit,
  type JsonSchema,
  type JsonValue,
  type LimitDefinition,
  TIERS,
  type Tier,
  type WireSchema,
} from '@smooai/config';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parseUrl } from '../../lib/parse-url.ts';
import type { StoredSchema } from '../../storage/storage.ts';
import { formatWords } from './format-words.ts';
import { passes } from './run-validator.ts';
import { findKeywordIssue, withoutAnnotations } from './schema-keywords.ts';

/** One key of a schema, with the check of its values. */
export interface SchemaKey {
  readonly key: string;
  readonly tier: Tier;
  /** Served when no value is stored; undefined if the schema has no default. */
  readonly defaultValue: JsonValue | undefined;
  /** The bounds, for a limit. */
  readonly limit: LimitDefinition | undefined;
  /** Compiles the schema, unless that has been tried already. Never throws. */
  prepare(): void;
  /** Returns what is wrong with a plain value (no targeting); undefined if nothing is. */
  check(value: JsonValue): ValueIssue | undefined;
}

/** Why a schema refuses a value, without any part of the value. */
export interface ValueIssue {
  /** JSON pointer into the value; empty for the value itself. */
  pointer: string;
  reason: string;
}

/** The keys of one schema document. */
export type SchemaKeys = ReadonlyMap<string, SchemaKey>;

/** Reads the keys of a document that passed `checkSchemaDocument`. Validators are compiled on first use. */
export function readSchemaKeys(document: WireSchema): SchemaKeys {
  const ajv = createSchemaAjv();
  const keys = new Map<string, SchemaKey>();
  for (const { tier, schema } of TIERS) {
    for (const [key, keySchema] of Object.entries(document.properties[schema].properties)) {
      keys.set(key, tier === 'limit' ? limitKey(key, keySchema) : valueKey({ ajv, key, tier, keySchema }));
    }
  }
  return keys;
}

/**
 * Caches the keys of each schema's current version. Only for committed schemas, whose version never changes content.
 */
export class SchemaKeysCache {
  readonly #entries = new Map<string, { version: number; keys: SchemaKeys }>();

  of(schema: StoredSchema): SchemaKeys {
    const entry = this.#entries.get(schema.id);
    if (entry !== undefined && entry.version === schema.currentVersion) return entry.keys;
    const keys = readSchemaKeys(schema.jsonSchema);
    this.#entries.set(schema.id, { version: schema.currentVersion, keys });
    return keys;
  }

  delete(schemaId: string): void {
    this.#entries.delete(schemaId);
  }
}

/** Creates a validator for draft 2020-12 with formats; it ignores unknown keywords. */
export function createSchemaAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    ownProperties: true,
    logger: false,
    // Adds schema and value to errors: `toIssue` needs to know whether the schema names a format.
    verbose: true,
    // Makes 0.3 a multiple of 0.1, as in the schema libraries.
    multipleOfPrecision: 8,
  });
  // Otherwise ajv throws for "id", which zod and others write as an annotation.
  ajv.removeKeyword('id');
  ajv.addKeyword({ keyword: 'id' });
  addFormats.default(ajv);
  // The URLs of zod, valibot and arktype: RFC 3986 would refuse spaces and letters outside ASCII.
  ajv.addFormat('uri', (text: string) => parseUrl(text) !== undefined);
  return ajv;
}

/** The limit of a `limitsSchema` property. */
export function readLimit(schema: JsonSchema): LimitDefinition {
  const { default: fallback, minimum, maximum, multipleOf } = schema;
  return {
    default: typeof fallback === 'number' ? fallback : Number.NaN,
    ...(typeof minimum === 'number' && { min: minimum }),
    ...(typeof maximum === 'number' && { max: maximum }),
    ...(typeof multipleOf === 'number' && { step: multipleOf }),
  };
}

function valueKey(input: { ajv: Ajv2020; key: string; tier: Tier; keySchema: JsonSchema }): SchemaKey {
  const { ajv, key, tier, keySchema } = input;
  let validate: ValidateFunction | typeof UNUSABLE | undefined;
  const prepare = (): ValidateFunction | typeof UNUSABLE => {
    validate ??= compileStored(ajv, keySchema);
    return validate;
  };
  return {
    key,
    tier,
    defaultValue: Object.hasOwn(keySchema, 'default') ? keySchema.default : undefined,
    limit: undefined,
    prepare: () => void prepare(),
    check: (value) => {
      const compiled = prepare();
      if (compiled === UNUSABLE) return { pointer: '', reason: UNUSABLE };
      return passes(compiled, value) ? undefined : toIssue(ajv, compiled.errors?.[0]);
    },
  };
}

/** A reason, to put after the name of the field. */
const UNUSABLE = 'cannot be checked: this server does not support its schema. Push the schema again';

/** A schema that an older server has stored may have keywords, or a form, that is refused today. */
function compileStored(ajv: Ajv2020, schema: JsonSchema): ValidateFunction | typeof UNUSABLE {
  if (findKeywordIssue(schema) !== undefined) return UNUSABLE;
  try {
    return ajv.compile(withoutAnnotations(schema));
  } catch {
    return UNUSABLE;
  }
}

function limitKey(key: string, schema: JsonSchema): SchemaKey {
  const limit = readLimit(schema);
  return {
    key,
    tier: 'limit',
    defaultValue: limit.default,
    limit,
    prepare: () => undefined,
    check: (value) => checkLimit(value, limit),
  };
}

function checkLimit(value: JsonValue, limit: LimitDefinition): ValueIssue | undefined {
  const refuse = (reason: string): ValueIssue => ({ pointer: '', reason });
  if (typeof value !== 'number') return refuse('must be a number');
  if (limit.min !== undefined && value < limit.min) return refuse(`must be at least ${limit.min}`);
  if (limit.max !== undefined && value > limit.max) return refuse(`must be at most ${limit.max}`);
  // With the rounding of `clampLimit`, so that 0.3 is a multiple of 0.1.
  if (clampLimit(value, limit) !== value) return refuse(`must be a multiple of ${limit.step}`);
  return undefined;
}

function toIssue(ajv: Ajv2020, error: ErrorObject | undefined): ValueIssue {
  const pointer = error?.instancePath ?? '';
  const reason = error?.message ?? 'does not match its schema';
  if (error?.keyword === 'enum') {
    return { pointer, reason: `must be one of ${JSON.stringify(error.params.allowedValues)}`.slice(0, 300) };
  }
  if (error?.keyword === 'format' || error?.keyword === 'pattern') {
    return { pointer, reason: formatReason(ajv, error) ?? reason };
  }
  return { pointer, reason };
}

const FORMAT_SCHEMAS = new Map<string, { format: string }>();

/** Returns the same object each time, because ajv caches compiled schemas by identity. */
function schemaOfFormat(format: string): { format: string } {
  const known = FORMAT_SCHEMAS.get(format);
  if (known !== undefined) return known;
  const schema = { format };
  FORMAT_SCHEMAS.set(format, schema);
  return schema;
}

/**
 * Schema libraries write the pattern of a format beside its name (`x-format` in documents of @smooai/config, where it
 * is a name without a check). The message quotes the pattern only if the value has the right format and still fails.
 */
function formatReason(ajv: Ajv2020, error: ErrorObject): string | undefined {
  const format: unknown = error.parentSchema?.format ?? error.parentSchema?.['x-format'];
  if (typeof format !== 'string') return undefined;
  const words = `must be ${formatWords(format)}`;
  if (error.keyword === 'format') return words;
  const hasFormat = Object.hasOwn(ajv.formats, format) && ajv.validate(schemaOfFormat(format), error.data);
  return hasFormat ? `${words}, and match pattern ${JSON.stringify(error.params.pattern)}` : words;
}

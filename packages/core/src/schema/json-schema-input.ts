import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { compilePattern } from '../evaluation/operators.ts';
import { isRecord } from '../lib/record.ts';
import type { JsonSchema, JsonValue } from '../wire.ts';
import { hasJsonSchema } from './standard-schema.ts';
import { mapSubschemas } from './subschemas.ts';

/**
 * The JSON Schema (draft 2020-12) of a validator's input. It is widened where the library's own is too narrow: the
 * config server must not refuse a value that the validator accepts.
 *
 * @throws whatever the library throws for a type that JSON Schema cannot describe, such as a date.
 */
export function inputJsonSchema(validator: StandardSchemaV1 & StandardJSONSchemaV1): JsonSchema {
  const { vendor, jsonSchema } = validator['~standard'];
  const libraryOptions = LIBRARY_OPTIONS[vendor];
  const { $schema: _, ...schema } = jsonSchema.input({
    target: 'draft-2020-12',
    ...(libraryOptions !== undefined && { libraryOptions }),
  });
  const dropped = vendor === 'arktype' ? inexpressiblePatterns(validator) : new Set<string>();
  return selfContained(tidy(schema as JsonSchema, dropped));
}

/** As {@link inputJsonSchema}; undefined if the validator has no JSON Schema. */
export function inputJsonSchemaIfAny(validator: StandardSchemaV1): JsonSchema | undefined {
  if (!hasJsonSchema(validator)) return undefined;
  try {
    return inputJsonSchema(validator);
  } catch {
    // `toJsonSchema` reports the error; the callers here can do without.
    return undefined;
  }
}

const SELF = '#/$defs/self';

/** Names a schema that refers to itself as `#`: in the document of all keys, `#` is the document. */
function selfContained(schema: JsonSchema): JsonSchema {
  if (!JSON.stringify(schema).includes('"$ref":"#"')) return schema;
  const { $defs, default: fallback, ...self } = withNamedSelf(schema);
  return {
    $ref: SELF,
    $defs: { ...(isRecord($defs) && $defs), self },
    ...(fallback !== undefined && { default: fallback }),
  };
}

function withNamedSelf(schema: JsonSchema): JsonSchema {
  const mapped = mapSubschemas(schema, withNamedSelf);
  return mapped.$ref === '#' ? { ...mapped, $ref: SELF } : mapped;
}

const LIBRARY_OPTIONS: Readonly<Record<string, Record<string, unknown>>> = {
  zod: { override: widenZod },
  valibot: { overrideAction: widenValibot },
  arktype: { fallback: { default: baseOfArktype, unit: unitOfArktype } },
};

/** arktype's JSON Schema without the part that cannot be expressed, as its own `~standard` does it. */
function baseOfArktype({ base }: { base: unknown }): unknown {
  return base;
}

/** JSON has no `undefined`, which arktype would otherwise describe as any value. {@link tidy} removes it from unions. */
function unitOfArktype({ base, unit }: { base: unknown; unit: unknown }): unknown {
  return unit === undefined ? { not: {} } : base;
}

/** Keywords that limit a value, and may hold only after it is transformed. */
const CONSTRAINTS = [
  'pattern',
  'format',
  'allOf',
  'contentEncoding',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
] as const;

/** Types that `Number()` can convert to a finite number; `z.coerce.number()` calls it first. */
const NUMBER_LIKE = ['string', 'boolean', 'null', 'array'];

interface ZodDefinition {
  type?: string;
  coerce?: boolean;
  in?: { _zod?: { def?: ZodDefinition } };
  checks?: readonly { _zod?: { def?: { check?: string; pattern?: unknown } } }[];
}

/**
 * zod describes the input of a coerced, preprocessed or overwritten value as if it already had the output's type. It
 * also drops the flags of patterns.
 */
function widenZod(node: {
  zodSchema: { _zod: { def: ZodDefinition } };
  jsonSchema: Record<string, unknown>;
}): void {
  const { jsonSchema } = node;
  const { type, coerce, in: input, checks = [] } = node.zodSchema._zod.def;
  if (type === 'pipe' && input?._zod?.def?.type === 'transform') {
    for (const keyword of Object.keys(jsonSchema)) if (keyword !== 'default') delete jsonSchema[keyword];
    return;
  }
  const definitions = checks.map((check) => check._zod?.def);
  if (definitions.some((check) => check?.check === 'overwrite')) {
    for (const keyword of CONSTRAINTS) delete jsonSchema[keyword];
    if (jsonSchema.type === 'integer') jsonSchema.type = 'number';
  }
  if (definitions.some(({ pattern } = {}) => pattern instanceof RegExp && patternOf(pattern) === undefined)) {
    delete jsonSchema.pattern;
    delete jsonSchema.allOf;
  }
  if (coerce === true && type === 'number') jsonSchema.type = [jsonSchema.type, ...NUMBER_LIKE];
  else if (coerce === true) delete jsonSchema.type;
}

/** Holds valibot's schema from before the first transformation. A symbol, so that it is never serialized. */
const BEFORE: unique symbol = Symbol('before');

/** valibot's dates and times are not RFC 3339, and it throws for a pipe with a custom check. */
function widenValibot(node: {
  valibotAction: { kind: string; type: string; requirement?: unknown };
  jsonSchema: Record<string | symbol, unknown>;
  errors: unknown;
}): Record<string | symbol, unknown> | undefined {
  const { valibotAction, jsonSchema, errors } = node;
  const before = jsonSchema[BEFORE];
  if (isRecord(before)) return { ...before, [BEFORE]: before };
  if (valibotAction.kind === 'transformation') return { ...jsonSchema, [BEFORE]: { ...jsonSchema } };
  const { requirement } = valibotAction;
  if (valibotAction.type.startsWith('iso_') && requirement instanceof RegExp) {
    const { format, ...rest } = jsonSchema;
    const named = typeof format === 'string' ? { [FORMAT_NAME]: format } : {};
    return { ...rest, allOf: [...listOf(rest.allOf), { ...named, pattern: patternOf(requirement) ?? '' }] };
  }
  if (
    valibotAction.type === 'regex' &&
    requirement instanceof RegExp &&
    patternOf(requirement) === undefined
  ) {
    const { pattern: _, ...rest } = jsonSchema;
    return rest;
  }
  return errors === undefined || errors === null ? undefined : { ...jsonSchema };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Sources of the patterns whose flags arktype leaves out of its JSON Schema. */
function inexpressiblePatterns(validator: object): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    if (!isRecord(value)) return;
    const { rule, flags } = value;
    if (typeof rule === 'string' && typeof flags === 'string' && isLossy(rule, flags)) found.add(rule);
    Object.values(value).forEach(walk);
  };
  walk('json' in validator ? validator.json : undefined);
  return found;
}

function isLossy(rule: string, flags: string): boolean {
  try {
    return patternOf(new RegExp(rule, flags)) === undefined;
  } catch {
    return true;
  }
}

/** The library's name for a pattern. An annotation rather than `format`, which each JSON Schema library checks its own way. */
const FORMAT_NAME = 'x-format';
/** Formats that every library checks at least as strictly as the config server. */
const FORMATS: ReadonlySet<unknown> = new Set(['uri', 'email', 'uuid', 'ipv4', 'ipv6']);

/** Rewrites patterns for JSON Schema. A `format` beside a pattern becomes an annotation; of the others, only safe ones stay. */
function tidy(schema: JsonSchema, dropped: ReadonlySet<string>): JsonSchema {
  const mapped = mapSubschemas(schema, (subschema) => tidy(subschema, dropped));
  const entries = Object.entries(mapped).flatMap(([keyword, value]): [string, JsonValue][] => {
    if (keyword === 'anyOf' && Array.isArray(value))
      return [[keyword, value.filter((member) => !isNever(member))]];
    if (keyword === 'format' && 'pattern' in schema) return [[FORMAT_NAME, value]];
    if (keyword === 'format') return FORMATS.has(value) ? [[keyword, value]] : [];
    return keyword === 'pattern' ? patternEntry(value, dropped) : [[keyword, value]];
  });
  return Object.fromEntries(entries);
}

function isNever(schema: JsonValue): boolean {
  return isRecord(schema) && isRecord(schema.not) && Object.keys(schema.not).length === 0;
}

function patternEntry(source: JsonValue, dropped: ReadonlySet<string>): [string, JsonValue][] {
  if (typeof source !== 'string' || dropped.has(source)) return [];
  const pattern = patternOf(source);
  return pattern === undefined ? [] : [['pattern', pattern]];
}

/** Flags that change what a pattern matches. JSON Schema has none, except `u`, which is always on. */
const INEXPRESSIBLE_FLAGS = /[imsyv]/;

/** A backslash and the character after it. */
const ESCAPE = /\\([\s\S])/g;

/**
 * A regular expression as a `pattern` of JSON Schema, which is read with the `u` flag: escapes that this flag forbids
 * (`\-`) are removed. Undefined if it cannot be expressed.
 */
function patternOf(expression: RegExp | string): string | undefined {
  const [source, flags] =
    typeof expression === 'string' ? [expression, ''] : [expression.source, expression.flags];
  if (INEXPRESSIBLE_FLAGS.test(flags)) return undefined;
  if (compilePattern(source, 'u') !== undefined) return source;
  const plain = source.replace(ESCAPE, (escaped, character: string) =>
    /[\w\\^$.*+?()[\]{}|/]/.test(character) ? escaped : character === '-' ? '\\x2d' : character,
  );
  return compilePattern(plain, 'u') === undefined ? undefined : plain;
}

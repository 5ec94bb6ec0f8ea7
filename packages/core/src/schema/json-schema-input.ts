import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { isRecord } from '../lib/record.ts';
import type { JsonSchema, JsonValue } from '../wire.ts';
import { patternOf } from './json-schema-pattern.ts';

/**
 * The JSON Schema (draft 2020-12) of what a validator takes, without what its library says too narrowly: the config
 * server must not refuse a value that the validator takes. Where JSON Schema cannot say it, it says less.
 *
 * @throws what the library throws for a type that JSON Schema does not have, such as a date.
 */
export function inputJsonSchema(validator: StandardSchemaV1 & StandardJSONSchemaV1): JsonSchema {
  const { vendor, jsonSchema } = validator['~standard'];
  const libraryOptions = LIBRARY_OPTIONS[vendor];
  const { $schema: _, ...schema } = jsonSchema.input({
    target: 'draft-2020-12',
    ...(libraryOptions !== undefined && { libraryOptions }),
  });
  const refused = vendor === 'arktype' ? inexpressiblePatterns(validator) : new Set<string>();
  return selfContained(tidy(schema as JsonSchema, refused));
}

const SELF = '#/$defs/self';

/** A schema that refers to itself as `#` does so by a name, since the document of all keys is another `#`. */
function selfContained(schema: JsonSchema): JsonSchema {
  if (!JSON.stringify(schema).includes('"$ref":"#"')) return schema;
  const { $defs, default: fallback, ...self } = withNamedSelf(schema) as JsonSchema;
  return {
    $ref: SELF,
    $defs: { ...(isRecord($defs) && $defs), self },
    ...(fallback !== undefined && { default: fallback }),
  };
}

function withNamedSelf(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withNamedSelf);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([keyword, inner]): [string, JsonValue] =>
    keyword === '$ref' && inner === '#'
      ? ['$ref', SELF]
      : [keyword, VALUES.has(keyword) ? inner : withNamedSelf(inner)],
  );
  return Object.fromEntries(entries);
}

const LIBRARY_OPTIONS: Readonly<Record<string, Record<string, unknown>>> = {
  zod: { override: widenZod },
  valibot: { overrideAction: widenValibot },
};

/** What limits a value and may hold only after a transformation. */
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

/** The types that `Number()` makes a finite number of, which is what `z.coerce.number()` calls first. */
const NUMBER_LIKE = ['string', 'boolean', 'null', 'array'];

interface ZodDefinition {
  type?: string;
  coerce?: boolean;
  in?: { _zod?: { def?: ZodDefinition } };
  checks?: readonly { _zod?: { def?: { check?: string; pattern?: unknown } } }[];
}

/** zod tells a coerced, preprocessed or rewritten value's type as if it had to be of it before; and drops the flags of patterns. */
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

/** Marks what valibot says of a value before it is first rewritten; no keyword, so it goes over no wire. */
const BEFORE: unique symbol = Symbol('before');

/** valibot's dates and times are no RFC 3339, and it refuses to tell anything of a pipe with a check of one's own. */
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

/** Sources of arktype's patterns whose flags its JSON Schema leaves out. */
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

/**
 * What a pattern's library calls it. An annotation that no validator checks, as `format` would be: what it takes differs
 * from library to library, and a refusal is in words all the same.
 */
const FORMAT_NAME = 'x-format';
/** Formats that every library's own check is at least as strict as. */
const FORMATS: ReadonlySet<unknown> = new Set(['uri', 'email', 'uuid', 'ipv4', 'ipv6']);
/** Keywords whose members are names of the user's, and their values schemas. */
const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);
/** Keywords whose values are no schemas. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required']);

/**
 * Every pattern in words that JSON Schema's regular expressions have. A format is asked for only where there is no pattern,
 * and is a mere name beside one.
 */
function tidy(schema: JsonSchema, refused: ReadonlySet<string>): JsonSchema {
  const within = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(within);
    return isRecord(value) ? tidy(value, refused) : value;
  };
  const entries = Object.entries(schema).flatMap(([keyword, value]): [string, JsonValue][] => {
    if (VALUES.has(keyword)) return [[keyword, value]];
    if (keyword === 'format' && 'pattern' in schema) return [[FORMAT_NAME, value]];
    if (keyword === 'format') return FORMATS.has(value) ? [[keyword, value]] : [];
    if (keyword === 'pattern') return patternEntry(value, refused);
    if (!MAPS_OF_SCHEMAS.has(keyword) || !isRecord(value)) return [[keyword, within(value)]];
    return [
      [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, within(inner)]))],
    ];
  });
  return Object.fromEntries(entries);
}

function patternEntry(source: JsonValue, refused: ReadonlySet<string>): [string, JsonValue][] {
  if (typeof source !== 'string' || refused.has(source)) return [];
  const pattern = patternOf(source);
  return pattern === undefined ? [] : [['pattern', pattern]];
}

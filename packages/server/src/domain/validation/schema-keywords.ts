import type { JsonSchema, JsonValue } from '@smooai/config';
import { clip } from '../../lib/clip.ts';
import { isRecord } from '../../lib/record.ts';

/** Where the schemas inside a keyword's value are. `data` may be any JSON, even if it looks like a schema. */
type KeywordKind = 'schema' | 'list' | 'map' | 'data' | 'annotation' | 'reference';

/**
 * Every keyword of draft 2020-12 except dynamic references, and `definitions`. Only these reach ajv, which knows others
 * that change how a validator runs: with `$async`, it returns a promise instead of a boolean.
 */
const KEYWORDS: ReadonlyMap<string, KeywordKind> = new Map(
  Object.entries({
    schema:
      'items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties not if then else contentSchema',
    list: 'allOf anyOf oneOf prefixItems',
    map: '$defs definitions properties patternProperties dependentSchemas',
    data:
      '$anchor type enum const multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength pattern ' +
      'format minItems maxItems uniqueItems minContains maxContains minProperties maxProperties required dependentRequired',
    // `id` is the name that zod gives a schema with `.meta({ id })`.
    annotation:
      '$schema $id $vocabulary $comment id title description default deprecated readOnly writeOnly examples ' +
      'contentEncoding contentMediaType',
    reference: '$ref',
  } satisfies Record<KeywordKind, string>).flatMap(([kind, names]) =>
    names.split(' ').map((name): [string, KeywordKind] => [name, kind as KeywordKind]),
  ),
);

/** What to write instead of keywords of other drafts, OpenAPI and ajv. */
const SUGGESTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    $async: 'Remove it: values are checked synchronously.',
    $dynamicRef: 'Use $ref with a schema in $defs.',
    $dynamicAnchor: 'Use $ref with a schema in $defs.',
    $recursiveRef: 'Use $ref with a schema in $defs.',
    $recursiveAnchor: 'Use $ref with a schema in $defs.',
    nullable: 'Add "null" to type.',
    discriminator: 'Use oneOf, with a const for the property in each schema.',
    dependencies: 'Use dependentRequired or dependentSchemas.',
    additionalItems: 'Use prefixItems for the first items and items for the others.',
    divisibleBy: 'Use multipleOf.',
    extends: 'Use allOf.',
    disallow: 'Use not.',
    instanceof: 'Use type.',
    typeof: 'Use type.',
    example: 'Use examples, which is a list.',
    range: 'Use minimum and maximum.',
    exclusiveRange: 'Use exclusiveMinimum and exclusiveMaximum.',
    regexp: 'Use pattern.',
    formatMinimum: 'Use pattern.',
    formatMaximum: 'Use pattern.',
    formatExclusiveMinimum: 'Use pattern.',
    formatExclusiveMaximum: 'Use pattern.',
    select: 'Use if, then and else.',
    transform: 'Transform the value before it is stored.',
  }),
);

const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [...KEYWORDS.keys()].map((name) => [name.toLowerCase(), name]),
);

/** A keyword that the server refuses. */
export interface KeywordIssue {
  /** Its place below the schema: `.anyOf.0.$async`. */
  path: string;
  /** What is wrong with it and what to do, to put after `Field "<place>" `. */
  reason: string;
}

/** Finds the first keyword of a schema that is not supported, or a reference to something that is not a schema. */
export function findKeywordIssue(schema: JsonSchema): KeywordIssue | undefined {
  const found: Found = { references: [], anchors: new Set() };
  const issue = walk(schema, { path: '', found, isRoot: true, isNamed: false });
  if (issue !== undefined) return issue;
  for (const reference of found.references) {
    const wrong = referenceIssue(reference, schema, found.anchors);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/**
 * As {@link findKeywordIssue} for the document or a tier, whose own keywords are never used for a check: only those that
 * have a better replacement are refused, so that tools may add theirs.
 */
export function findContainerIssue(container: { [keyword: string]: JsonValue }): KeywordIssue | undefined {
  for (const [keyword, value] of Object.entries(container)) {
    if (keyword === 'properties') continue;
    const path = `.${clip(keyword)}`;
    if (SUGGESTIONS.has(keyword)) return { path, reason: unsupported(keyword) };
    for (const child of subschemas(keyword, value)) {
      const issue = findKeywordIssue(child.schema);
      if (issue !== undefined) return { ...issue, path: `${path}${child.path}${issue.path}` };
    }
  }
  return undefined;
}

/**
 * The schema as a validator gets it: without annotations, in which references could otherwise find schemas that were
 * never checked.
 */
export function withoutAnnotations(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).flatMap(([keyword, value]): [string, JsonValue][] => {
    // Error messages name this format.
    if (keyword === 'x-format') return typeof value === 'string' ? [[keyword, value]] : [];
    const kind = KEYWORDS.get(keyword);
    if (kind === undefined || kind === 'annotation') return [];
    const strip = (inner: JsonValue): JsonValue => (isJsonObject(inner) ? withoutAnnotations(inner) : inner);
    if (kind === 'schema') return [[keyword, strip(value)]];
    if (kind === 'list') return [[keyword, Array.isArray(value) ? value.map(strip) : value]];
    if (kind === 'map' && isJsonObject(value)) {
      const members = Object.entries(value).map(([name, inner]) => [name, strip(inner)] as const);
      return [[keyword, Object.fromEntries(members)]];
    }
    return [[keyword, value]];
  });
  return Object.fromEntries(entries);
}

interface Reference {
  path: string;
  target: string;
  /** Whether it is inside a schema with an `$id` of its own, which `#` would refer to. */
  isNamed: boolean;
}

interface Found {
  references: Reference[];
  anchors: Set<string>;
}

interface Place {
  /** For people: `.anyOf.0`. */
  path: string;
  found: Found;
  isRoot: boolean;
  isNamed: boolean;
}

function walk(schema: JsonSchema, place: Place): KeywordIssue | undefined {
  const { path, found } = place;
  const isNamed = place.isNamed || (!place.isRoot && Object.hasOwn(schema, '$id'));
  if (typeof schema.$anchor === 'string') found.anchors.add(schema.$anchor);
  for (const [keyword, value] of Object.entries(schema)) {
    const here = `${path}.${clip(keyword)}`;
    if (!isSupported(keyword)) return { path: here, reason: unsupported(keyword) };
    if (KEYWORDS.get(keyword) === 'reference' && typeof value === 'string') {
      found.references.push({ path: here, target: value, isNamed });
    }
    for (const child of subschemas(keyword, value)) {
      const issue = walk(child.schema, { path: `${here}${child.path}`, found, isRoot: false, isNamed });
      if (issue !== undefined) return issue;
    }
  }
  return undefined;
}

function* subschemas(keyword: string, value: JsonValue): Generator<{ path: string; schema: JsonSchema }> {
  const kind = KEYWORDS.get(keyword);
  if (kind === 'schema' && isJsonObject(value)) yield { path: '', schema: value };
  const isCollection = (kind === 'list' && Array.isArray(value)) || (kind === 'map' && isJsonObject(value));
  if (!isCollection) return;
  for (const [name, schema] of Object.entries(value)) {
    if (isJsonObject(schema)) yield { path: `.${clip(name)}`, schema };
  }
}

function referenceIssue(
  reference: Reference,
  root: JsonSchema,
  anchors: ReadonlySet<string>,
): KeywordIssue | undefined {
  const { path, target, isNamed } = reference;
  if (!target.startsWith('#')) {
    return { path, reason: 'refers to another document. Only references that start with "#" are allowed' };
  }
  if (isNamed) return { path, reason: 'is inside a schema with its own "$id". Remove that "$id"' };
  // A second round of decoding would give another place.
  const fragment = target.includes('%25') ? undefined : decode(target.slice(1));
  if (fragment !== undefined && (anchors.has(fragment) || isSchemaAt(root, fragment))) return undefined;
  return { path, reason: 'does not refer to a schema of this key. Put that schema into "$defs" of the key' };
}

/**
 * Whether a JSON pointer (RFC 6901) leads to a schema inside of `root`, through schemas only. It is followed for each
 * reference: the pointers of all schemas together can have many times the size of the document.
 */
function isSchemaAt(root: JsonSchema, pointer: string): boolean {
  if (pointer === '') return true;
  const [start, ...steps] = pointer.split('/').map(unescapeStep);
  if (start !== '' || steps.includes(undefined)) return false;
  let schema: JsonValue = root;
  while (steps.length > 0) {
    const keyword = steps.shift() ?? '';
    const kind = KEYWORDS.get(keyword);
    let value: JsonValue | undefined = memberOf(schema, keyword);
    if (kind === 'schema' && typeof value === 'boolean') return steps.length === 0;
    if (kind === 'list' || kind === 'map') {
      if (steps.length === 0 || (kind === 'list') !== Array.isArray(value)) return false;
      value = memberOf(value, steps.shift() ?? '');
    } else if (kind !== 'schema') return false;
    if (!isJsonObject(value)) return false;
    schema = value;
  }
  return true;
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, JsonValue>)[name];
}

/** Undefined for an escape that does not exist. */
function unescapeStep(step: string): string | undefined {
  return /~(?![01])/.test(step) ? undefined : step.replaceAll('~1', '/').replaceAll('~0', '~');
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isSupported(keyword: string): boolean {
  return KEYWORDS.has(keyword) || keyword.startsWith('x-');
}

function unsupported(keyword: string): string {
  const similar = BY_LOWER_CASE.get(keyword.toLowerCase());
  const suggestion =
    SUGGESTIONS.get(keyword) ??
    (similar === undefined
      ? 'Remove it, or give an annotation a name that starts with "x-".'
      : `Did you mean "${similar}"?`);
  return `is the keyword "${clip(keyword)}", which is not supported. ${suggestion}`;
}

/** {@link isRecord} for a value that came from JSON. */
export function isJsonObject(value: unknown): value is { [name: string]: JsonValue } {
  return isRecord(value);
}

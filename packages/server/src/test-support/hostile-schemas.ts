import type { JsonSchema, JsonValue } from '@smooai/config';

/** A schema or a value that makes checks take long. */
export interface Hostile {
  name: string;
  schema: JsonSchema;
  value: JsonValue;
}

/** `n` properties p0, p1, … */
function properties(n: number, schemaOf: (index: number) => JsonValue): Record<string, JsonValue> {
  return Object.fromEntries(Array.from({ length: n }, (_, index) => [`p${index}`, schemaOf(index)]));
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}

function list(n: number, of: (index: number) => JsonValue): JsonValue[] {
  return range(n).map(of);
}

/** Definitions that each refer twice to the next: 2 ** levels ways through them. */
function doubling(levels: number, keyword: string, last: JsonSchema): JsonSchema {
  const definitions: Record<string, JsonValue> = { [`d${levels}`]: last };
  for (let level = 0; level < levels; level += 1) {
    const next = { $ref: `#/$defs/d${level + 1}` };
    definitions[`d${level}`] = { [keyword]: [next, next] };
  }
  return { $defs: definitions, $ref: '#/$defs/d0' };
}

function doublingIf(levels: number): JsonSchema {
  const definitions: Record<string, JsonValue> = { [`d${levels}`]: { type: 'string' } };
  for (let level = 0; level < levels; level += 1) {
    const next = { $ref: `#/$defs/d${level + 1}` };
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    definitions[`d${level}`] = { if: next, then: next };
  }
  return { $defs: definitions, $ref: '#/$defs/d0' };
}

/** `n` references to a schema with `n` properties. */
export function references(n: number): JsonSchema {
  return {
    type: 'object',
    $defs: { d: { type: 'object', properties: properties(n, () => ({ type: 'string' })) } },
    properties: properties(n, () => ({ $ref: '#/$defs/d' })),
  };
}

const SLOW_TEXT = `${'a'.repeat(40)}!`;
const SLOW = '^(a+)+$';

/** Schemas that take long to compile, or that are too large for it. */
export const hostileSchemas: readonly Hostile[] = [
  { name: 'references to a large schema', schema: references(12_000), value: {} },
  { name: 'many properties', schema: { properties: properties(40_000, () => ({ not: {} })) }, value: {} },
  { name: 'many branches of anyOf', schema: { anyOf: list(30_000, (minimum) => ({ minimum })) }, value: -1 },
  {
    name: 'many branches of oneOf',
    schema: { oneOf: list(30_000, (index) => ({ const: index })) },
    value: -1,
  },
  { name: 'many branches of allOf', schema: { allOf: list(30_000, (minimum) => ({ minimum })) }, value: -1 },
  {
    name: 'many patterns of property names',
    schema: {
      patternProperties: Object.fromEntries(range(15_000).map((index) => [`^p${index}`, {}])),
    },
    value: {},
  },
  {
    name: 'many dependent schemas',
    schema: { dependentSchemas: properties(10_000, () => ({ properties: { a: { type: 'string' } } })) },
    value: {},
  },
  {
    name: 'branches with unevaluatedProperties',
    schema: {
      anyOf: list(8_000, (index) => ({ properties: { [`p${index}`]: { type: 'string' } } })),
      unevaluatedProperties: false,
    },
    value: {},
  },
  {
    name: 'a chain of references',
    schema: {
      $defs: Object.fromEntries([
        ...range(15_000).map((index) => [`d${index}`, { $ref: `#/$defs/d${index + 1}` }]),
        ['d15000', {}],
      ]),
      $ref: '#/$defs/d0',
    },
    value: 1,
  },
  {
    name: 'a long name above many schemas',
    schema: { properties: { ['n'.repeat(400_000)]: { properties: properties(15_000, () => ({})) } } },
    value: {},
  },
];

/** Schemas that are accepted, with a value that takes long to check. */
export const hostileValues: readonly Hostile[] = [
  { name: 'a pattern', schema: { type: 'string', pattern: SLOW }, value: SLOW_TEXT },
  {
    name: 'a pattern of property names',
    schema: { patternProperties: { [SLOW]: {} } },
    value: { [SLOW_TEXT]: 1 },
  },
  { name: 'propertyNames', schema: { propertyNames: { pattern: SLOW } }, value: { [SLOW_TEXT]: 1 } },
  { name: 'contains', schema: { contains: { pattern: SLOW } }, value: [SLOW_TEXT] },
  { name: 'if', schema: { if: { pattern: SLOW }, else: false }, value: SLOW_TEXT },
  { name: 'references in anyOf', schema: doubling(40, 'anyOf', { type: 'number' }), value: 'a' },
  { name: 'references in allOf', schema: doubling(40, 'allOf', { type: 'string' }), value: 'a' },
  { name: 'references in oneOf', schema: doubling(40, 'oneOf', { type: 'number' }), value: 'a' },
  { name: 'references in if and then', schema: doublingIf(40), value: 'a' },
  {
    name: 'unevaluatedProperties',
    schema: { ...doubling(40, 'anyOf', { type: 'number' }), unevaluatedProperties: false },
    value: { a: 1 },
  },
  {
    name: 'a long list of unique items',
    schema: { uniqueItems: true },
    value: list(30_000, (index) => [index]),
  },
  {
    name: 'a large pattern',
    schema: { pattern: '[\\p{L}\\p{N}]{1,1000}'.repeat(2_000) },
    value: 'é'.repeat(10_000),
  },
];

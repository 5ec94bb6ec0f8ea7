import type { JsonSchema } from '@smooai/config';
import { describe, expect, it } from 'vitest';
import { findContainerIssue, findKeywordIssue, isJsonObject, withoutAnnotations } from './schema-keywords.ts';

const SINGLE =
  'items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties not if then else contentSchema'.split(
    ' ',
  );
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAPS = ['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas'];
const DATA =
  'type enum const multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength pattern format minItems maxItems uniqueItems minContains maxContains minProperties maxProperties required dependentRequired'.split(
    ' ',
  );
const ANNOTATIONS =
  '$schema $id $vocabulary $comment id title description default deprecated readOnly writeOnly examples contentEncoding contentMediaType'.split(
    ' ',
  );
const BAD: JsonSchema = { $async: true };

/** The place of the first issue. */
const placeOf = (schema: JsonSchema): string | undefined => findKeywordIssue(schema)?.path;
const referenceTo = (target: string, more: JsonSchema = {}): string | undefined =>
  findKeywordIssue({ ...more, not: { $ref: target } })?.reason;

describe('keywords', () => {
  it('are searched in schemas, in lists and in maps of them, and not in data or annotations', () => {
    for (const keyword of SINGLE) {
      expect(placeOf({ [keyword]: BAD }), keyword).toBe(`.${keyword}.$async`);
      expect(placeOf({ [keyword]: true }), keyword).toBeUndefined();
      expect(placeOf({ [keyword]: [BAD] }), keyword).toBeUndefined();
    }
    for (const keyword of LISTS) {
      expect(placeOf({ [keyword]: [null, 'text'] }), keyword).toBeUndefined();
      expect(placeOf({ [keyword]: [{}, true, BAD] }), keyword).toBe(`.${keyword}.2.$async`);
      expect(placeOf({ [keyword]: { a: BAD } }), keyword).toBeUndefined();
    }
    for (const keyword of MAPS) {
      expect(placeOf({ [keyword]: { a: true, b: BAD } }), keyword).toBe(`.${keyword}.b.$async`);
      expect(placeOf({ [keyword]: [BAD] }), keyword).toBeUndefined();
    }
    for (const keyword of [...DATA, ...ANNOTATIONS, 'x-note', '$anchor', '$ref']) {
      expect(placeOf({ [keyword]: { ...BAD, a: BAD } }), keyword).toBeUndefined();
    }
    expect(placeOf({})).toBeUndefined();
  });

  it.each([
    ['$async', 'Remove it: values are checked synchronously.'],
    ['$dynamicRef', 'Use $ref with a schema in $defs.'],
    ['$dynamicAnchor', 'Use $ref with a schema in $defs.'],
    ['$recursiveRef', 'Use $ref with a schema in $defs.'],
    ['$recursiveAnchor', 'Use $ref with a schema in $defs.'],
    ['nullable', 'Add "null" to type.'],
    ['discriminator', 'Use oneOf, with a const for the property in each schema.'],
    ['dependencies', 'Use dependentRequired or dependentSchemas.'],
    ['additionalItems', 'Use prefixItems for the first items and items for the others.'],
    ['divisibleBy', 'Use multipleOf.'],
    ['extends', 'Use allOf.'],
    ['disallow', 'Use not.'],
    ['instanceof', 'Use type.'],
    ['typeof', 'Use type.'],
    ['example', 'Use examples, which is a list.'],
    ['range', 'Use minimum and maximum.'],
    ['exclusiveRange', 'Use exclusiveMinimum and exclusiveMaximum.'],
    ['regexp', 'Use pattern.'],
    ['formatMinimum', 'Use pattern.'],
    ['formatExclusiveMaximum', 'Use pattern.'],
    ['select', 'Use if, then and else.'],
    ['transform', 'Transform the value before it is stored.'],
    ['MINLENGTH', 'Did you mean "minLength"?'],
    ['mine', 'Remove it, or give an annotation a name that starts with "x-".'],
    ['constructor', 'Remove it, or give an annotation a name that starts with "x-".'],
  ])('are refused with a suggestion: %s', (keyword, suggestion) => {
    const reason = `is the keyword "${keyword}", which is not supported. ${suggestion}`;
    expect(findKeywordIssue({ [keyword]: 1 })).toEqual({ path: `.${keyword}`, reason });
  });

  it('are clipped in messages, and so are the names of members', () => {
    const long = 'a'.repeat(101);
    const short = `${'a'.repeat(100)}…`;
    expect(findKeywordIssue({ [long]: 1 })).toEqual({
      path: `.${short}`,
      reason: expect.stringContaining(`"${short}"`),
    });
    expect(placeOf({ properties: { [long]: BAD } })).toBe(`.properties.${short}.$async`);
  });
});

describe('the document and its tiers', () => {
  it('may have keywords of tools, unless there is a better one', () => {
    expect(findContainerIssue({ $async: true })?.path).toBe('.$async');
    expect(findContainerIssue({ nullable: true })).toEqual({
      path: '.nullable',
      reason: expect.stringContaining('Add "null" to type.'),
    });
    expect(findContainerIssue({ mine: BAD, type: 'object', additionalProperties: false })).toBeUndefined();
  });

  it('are searched except for their properties, which are keys', () => {
    expect(findContainerIssue({ properties: { nullable: BAD } })).toBeUndefined();
    expect(findContainerIssue({ $defs: { fine: {}, bad: { items: BAD } } })?.path).toBe(
      '.$defs.bad.items.$async',
    );
    expect(findContainerIssue({ additionalProperties: BAD })?.path).toBe('.additionalProperties.$async');
  });
});

describe('references', () => {
  const more: JsonSchema = {
    $defs: {
      'a/b~c d': { $anchor: 'text' },
      list: { anyOf: [{}, true] },
      flag: { items: false },
      deep: { items: { not: { items: {} } } },
      '': {},
    },
    allOf: { a: {} },
    dependentSchemas: [{}],
    definitions: null,
    deprecated: true,
    default: { $anchor: 'evil', items: {} },
    const: {},
  };

  it.each([
    '#',
    '#text',
    '#/$defs/list',
    '#/$defs/a~1b~0c%20d',
    '#/$defs/list/anyOf/0',
    '#/$defs/flag/items',
    '#/$defs/deep/items/not/items',
    '#/$defs/',
    '#/not',
  ])('lead to a schema of the key: %s', (target) => {
    expect(referenceTo(target, more)).toBeUndefined();
  });

  it.each([
    '#evil',
    '#/',
    '#//$defs/list',
    '#x/$defs/list',
    '#/$defs',
    '#/$defs/none',
    '#/$defs/list/anyOf',
    '#/$defs/list/anyOf/1',
    '#/$defs/list/anyOf/2',
    '#/$defs/list/anyOf/length',
    '#/$defs/list/allOf/0',
    '#/$defs/flag/items/not',
    '#/$defs/constructor',
    '#/$defs/__proto__',
    '#/$defs/flag/properties/a',
    '#/allOf/a',
    '#/dependentSchemas/0',
    '#/definitions/a',
    '#/deprecated',
    '#/$defs/a~2b',
    '#/$defs/a~',
    '#/const',
    '#/default/items',
    '#/%2524defs/list',
    '#/%E0%A4%A',
    '#/not/$ref',
  ])('to anything else are refused: %s', (target) => {
    expect(referenceTo(target, more)).toMatch(/^does not refer to a schema of this key/);
  });

  it('to other documents are refused, and so is one below an $id', () => {
    for (const target of ['https://example.test/a', 'other#/$defs/a', '']) {
      expect(referenceTo(target, more)).toMatch(/^refers to another document/);
    }
    const inner = { $id: 'urn:a', $defs: { b: {} }, items: { $ref: '#/$defs/b' } };
    expect(findKeywordIssue({ $defs: { a: inner, b: {} } })).toEqual({
      path: '.$defs.a.items.$ref',
      reason: expect.stringMatching(/^is inside a schema with its own "\$id"/),
    });
    // The $id of the key itself changes nothing.
    expect(placeOf({ $id: 'urn:a', $defs: { b: {} }, items: { $ref: '#/$defs/b' } })).toBeUndefined();
    expect(placeOf({ $defs: { a: { $id: 'urn:a' }, b: { $ref: '#' } } })).toBeUndefined();
  });

  it('are all checked, each at its place', () => {
    expect(placeOf({ allOf: [{ $ref: '#' }, { $ref: '#/x' }] })).toBe('.allOf.1.$ref');
  });

  it('that are not strings are left to the check of the schema', () => {
    expect(placeOf({ $ref: 5, $anchor: 5 })).toBeUndefined();
  });
});

describe('withoutAnnotations', () => {
  it('keeps what a validator needs, at every level', () => {
    const note: JsonSchema = {
      title: 'T',
      default: BAD,
      'x-note': BAD,
      examples: [BAD],
      $id: 'urn:a',
      id: 'a',
    };
    const data: JsonSchema = { enum: [{ title: 'T' }], const: note, required: ['a'], $anchor: 'a' };
    const schema: JsonSchema = {
      ...note,
      ...data,
      $ref: '#a',
      items: { ...note, type: 'string' },
      not: false,
      anyOf: [{ ...note, type: 'string' }, true],
      properties: { title: { ...note, type: 'string' }, no: false },
      patternProperties: { '^x-': { ...note } },
      unknown: {},
    };
    expect(withoutAnnotations(schema)).toEqual({
      ...data,
      $ref: '#a',
      items: { type: 'string' },
      not: false,
      anyOf: [{ type: 'string' }, true],
      properties: { title: { type: 'string' }, no: false },
      patternProperties: { '^x-': {} },
    });
  });

  it('keeps the name of a format, and leaves values of the wrong kind to the validator', () => {
    expect(withoutAnnotations({ 'x-format': 'email' })).toEqual({ 'x-format': 'email' });
    expect(withoutAnnotations({ 'x-format': BAD })).toEqual({});
    const wrong: JsonSchema = { anyOf: 5, properties: 5, items: [{ title: 'T' }], $defs: ['a'] };
    expect(withoutAnnotations(wrong)).toEqual(wrong);
  });
});

it.each<[unknown, boolean]>([
  [{}, true],
  [[], false],
  [null, false],
  ['a', false],
])('isJsonObject(%j) is %s', (value, expected) => {
  expect(isJsonObject(value)).toBe(expected);
});

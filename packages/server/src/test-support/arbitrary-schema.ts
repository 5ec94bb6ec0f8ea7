import type { JsonValue } from '@smooai/config';
import fc from 'fast-check';

/** A part of a value that must never appear in a log or a message. */
export const CANARY = 'sk_canary_4242';

const oddText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'name', 'type', '$ref', '$async', 'x-a', 'const', '0') },
  { weight: 1, arbitrary: fc.string({ maxLength: 6, unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '\0',
      '\ud800',
      '__proto_',
      'constructor',
      'toString',
      '~1/',
      '%25',
      '"',
      "';",
    ),
  },
);

const oddNumber = fc.oneof(
  fc.integer({ min: -3, max: 10 }),
  fc.constantFrom(0.1, -0, 1e308, -1e308, 5e-324, 2 ** 53, 2 ** 31, -1.5),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function jsonWith(texts: readonly string[]): fc.Arbitrary<JsonValue> {
  return fc.letrec<{ json: JsonValue }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<JsonValue>(null, true, false, ...texts),
      oddNumber,
      oddText,
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(oddText, tie('json'), { maxKeys: 4 }),
    ),
  })).json;
}

const anyJson = jsonWith(['a', '']);

/** Any JSON, often with the canary in it. */
export const anyValue: fc.Arbitrary<JsonValue> = jsonWith([CANARY, `${CANARY}@shop.example`, 'a', '']);

const patterns = fc.constantFrom(
  '^a',
  '.',
  '^\\p{L}+$',
  '[',
  '(',
  '^(?!x)',
  '\\',
  '^[a-z]{1,1000}$',
  '(?<n>a)\\k<n>',
);
const soundPatterns = fc.constantFrom('^a', '.', '^\\p{L}+$', '^(?!x)', '^[a-z]{1,1000}$', '(?<n>a)\\k<n>');
const formats = fc.constantFrom(
  'uri',
  'email',
  'uuid',
  'date-time',
  'date',
  'regex',
  'ipv4',
  'ulid',
  '',
  'constructor',
);
const types = fc.constantFrom('string', 'number', 'integer', 'boolean', 'object', 'array', 'null', 'text');
const soundTypes = fc.oneof(
  fc.constantFrom<JsonValue>('string', 'number', 'integer', 'boolean', 'object', 'array', 'null'),
  fc.uniqueArray(fc.constantFrom('string', 'number', 'object', 'array'), { minLength: 1, maxLength: 3 }),
);
const references = fc.constantFrom(
  '#',
  '#/',
  '#/$defs/a',
  '#/$defs/b',
  '#/$defs/%61',
  '#/definitions/a',
  '#/properties/a',
  '#/default',
  '#/const',
  '#/enum/0',
  '#/anyOf/0',
  '#/x-a',
  '#text',
  '#/%E0%A4%A',
  'https://example.test/other.json',
  'other',
  '',
);

const UNSUPPORTED = [
  '$async',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  'nullable',
  'discriminator',
  'dependencies',
  'additionalItems',
  '$data',
  'minlength',
];

type Keywords = Record<string, fc.Arbitrary<JsonValue>>;

function keywordsOf(schema: fc.Arbitrary<JsonValue>): Keywords {
  const list = fc.array(schema, { maxLength: 3 });
  const map = fc.dictionary(fc.oneof(fc.constantFrom('a', 'b'), oddText), schema, { maxKeys: 3 });
  const names = fc.array(oddText, { maxLength: 3 });
  const all = (keys: string, arbitrary: fc.Arbitrary<JsonValue>): Keywords =>
    Object.fromEntries(keys.split(' ').map((key) => [key, arbitrary]));
  return {
    ...all('items contains additionalProperties propertyNames not if then else contentSchema', schema),
    ...all('unevaluatedItems unevaluatedProperties', schema),
    ...all('allOf anyOf oneOf prefixItems', list),
    ...all('$defs definitions properties dependentSchemas', map),
    patternProperties: fc.dictionary(patterns, schema, { maxKeys: 2 }),
    type: fc.oneof(types, fc.array(types, { maxLength: 3 })),
    ...all('minimum maximum exclusiveMinimum exclusiveMaximum multipleOf', oddNumber),
    ...all(
      'minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains',
      oddNumber,
    ),
    uniqueItems: fc.boolean(),
    required: names,
    dependentRequired: fc.dictionary(oddText, names, { maxKeys: 2 }),
    pattern: patterns,
    format: formats,
    'x-format': fc.oneof(formats, anyJson),
    ...all('const default x-a', anyJson),
    ...all('enum examples', fc.array(anyJson, { maxLength: 3 })),
    $ref: references,
    $anchor: fc.constantFrom('text', 'a b', ''),
    $id: fc.constantFrom('urn:a', 'https://example.test/a', '#a', '', 'a b'),
    $schema: fc.constantFrom('http://json-schema.org/draft-07/schema#', 'nonsense'),
    ...all('title description $comment id deprecated readOnly contentEncoding', anyJson),
  };
}

/** The keywords whose values are well-formed, so that most schemas made of them compile. */
function soundKeywords(schema: fc.Arbitrary<JsonValue>): Keywords {
  const count = fc.integer({ min: 0, max: 12 });
  const counts = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
  const list = fc.array(schema, { minLength: 1, maxLength: 3 });
  const map = fc.dictionary(fc.constantFrom('a', 'b', 'constructor', '$async'), schema, { maxKeys: 3 });
  return {
    ...keywordsOf(schema),
    ...Object.fromEntries([...counts, 'minContains', 'maxContains'].map((name) => [name, count])),
    ...Object.fromEntries(['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((name) => [name, list])),
    ...Object.fromEntries(
      ['$defs', 'definitions', 'properties', 'dependentSchemas'].map((name) => [name, map]),
    ),
    patternProperties: fc.dictionary(soundPatterns, schema, { maxKeys: 2 }),
    pattern: soundPatterns,
    type: soundTypes,
    multipleOf: fc.constantFrom(0.1, 1, 1e300, 5e-324, 3),
    enum: fc.array(anyJson, { minLength: 1, maxLength: 3 }),
    required: fc.uniqueArray(oddText, { maxLength: 2 }),
    dependentRequired: fc.dictionary(oddText, fc.uniqueArray(oddText, { maxLength: 2 }), { maxKeys: 2 }),
    $ref: fc.constantFrom('#/$defs/a', '#/$defs/b', '#/properties/a', '#/anyOf/0'),
    $anchor: fc.constantFrom('text', 'other'),
    $id: fc.constant('https://example.test/a'),
    $comment: fc.string(),
    title: fc.string(),
    description: fc.string(),
    deprecated: fc.boolean(),
    readOnly: fc.boolean(),
    contentEncoding: fc.string(),
  };
}

type MakeKeywords = (schema: fc.Arbitrary<JsonValue>) => Keywords;

/** @param nonsense entries in 43 that are not keywords of the right kind */
function schemaOf(makeKeywords: MakeKeywords, nonsense: number): fc.Arbitrary<JsonValue> {
  return fc.letrec<{ schema: JsonValue }>((tie) => {
    const keywords = makeKeywords(tie('schema'));
    const names = fc.constantFrom(...Object.keys(keywords));
    const known = names.chain((name) => fc.tuple(fc.constant(name), keywords[name] ?? anyJson));
    const strange = fc.oneof(
      fc.tuple(names, anyJson),
      fc.tuple(fc.constantFrom(...UNSUPPORTED), fc.oneof(fc.boolean(), anyJson)),
      fc.tuple(oddText, anyJson),
    );
    const entry = fc.oneof({ weight: 40, arbitrary: known }, { weight: nonsense, arbitrary: strange });
    const schema = fc.array(entry, { maxLength: 4 }).map((entries): JsonValue => Object.fromEntries(entries));
    const inner = fc.oneof(
      { maxDepth: 4 },
      { weight: 1, arbitrary: fc.boolean() },
      { weight: 8, arbitrary: schema },
    );
    return { schema: inner };
  }).schema;
}

/** A schema of a key: mostly well-formed, with every keyword, references, and some nonsense. */
export const anySchema: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 5, arbitrary: schemaOf(soundKeywords, 0).filter((schema) => typeof schema === 'object') },
  { weight: 1, arbitrary: schemaOf(keywordsOf, 3) },
);

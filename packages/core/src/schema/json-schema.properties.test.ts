import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig, type KeyDefinition, toJsonSchema, type Validators } from '../index.ts';
import { runs } from '../test-support/runs.ts';
import { serverAjv } from '../test-support/server-ajv.ts';
import { parseValue } from './parse-value.ts';

const RUNS = runs(200, 1_000);

type Validator = Validators[string];
type Case = [name: string, validator: Validator, values: fc.Arbitrary<unknown>];

const letters = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...Array.from('abAB1-_.:/ é')), maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b') },
);
const texts = fc.oneof(letters, fc.string({ maxLength: 12 }));
/** Includes characters of two UTF-16 units; JSON Schema and zod count them as one, valibot and arktype as two. */
const wideTexts = fc.oneof(texts, fc.string({ unit: 'binary', maxLength: 6 }));
const shortNumbers = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((steps) => steps / 100),
  fc.integer({ min: -100, max: 100 }).map((steps) => steps / 2),
);
const numbers = fc.oneof(
  fc.integer({ min: -10, max: 120 }),
  fc.integer({ min: -50, max: 50 }).map((steps) => steps / 10),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1, 1e300),
);
const scalars = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const anything = fc.jsonValue({ maxDepth: 2 });
const lists = fc.oneof(
  fc.array(scalars, { maxLength: 4 }),
  fc.array(numbers, { maxLength: 4 }),
  fc.tuple(texts, numbers),
);
const digit = (min: number, max: number) =>
  fc.integer({ min, max }).map((number) => String(number).padStart(2, '0'));
const dates = fc
  .tuple(fc.integer({ min: 1890, max: 2110 }), digit(0, 13), digit(0, 32))
  .map((parts) => parts.join('-'));
const times = fc
  .tuple(digit(0, 24), digit(0, 60), fc.constantFrom('', ':00', ':59', ':60', ':30.5', ':30.123456'))
  .map(([hours, minutes, seconds]) => `${hours}:${minutes}${seconds}`);
const moments = fc.oneof(
  fc
    .tuple(dates, fc.constantFrom('T', ' '), times, fc.constantFrom('Z', '', '+02:00', '-0530'))
    .map((parts) => parts.join('')),
  fc
    .tuple(dates, fc.constantFrom('T12:30', 'T12:30:59'), fc.constantFrom('', 'Z'))
    .map((parts) => parts.join('')),
);
const urls = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  letters.map((text) => `https://example.com/${text}`),
  fc.constantFrom('http://localhost:3000', 'https://münchen.de/straße', 'postgres://u:p@h/d', 'mailto:a@b.c'),
);
const addresses = fc.oneof(
  fc.emailAddress(),
  fc.stringMatching(/^[a-z]{1,8}$/).map((name) => `${name}@example.com`),
  fc.tuple(letters, letters).map(([name, host]) => `${name}@${host}.com`),
);

const person = fc.oneof(
  fc.record(
    {
      host: texts,
      port: numbers,
      tags: fc.array(texts, { maxLength: 3 }),
      kind: fc.constantFrom('a', 'b', 'c'),
    },
    { requiredKeys: [] },
  ),
  fc.record({ host: texts, port: fc.integer() }, { requiredKeys: ['host'] }),
);

const TREE = z.object({
  name: z.string(),
  get children(): z.ZodOptional<z.ZodArray<typeof TREE>> {
    return z.array(TREE).optional();
  },
});
const nested = fc.record(
  { name: scalars, children: fc.array(fc.record({ name: texts })) },
  { requiredKeys: ['name'] },
);

/** Validators that JSON Schema can describe completely. */
const EXACT: Case[] = [
  ['zod: string of a length', z.string().min(2).max(5), wideTexts],
  ['zod: enum', z.enum(['a', 'b']), letters],
  ['zod: literals', z.literal(['a', 1, null, true]), scalars],
  // The escape `\\-` is an error with the `u` flag.
  ['zod: pattern', z.string().regex(/^[\w-]+-\d$/), letters.map((text) => `${text}-1`)],
  ['zod: start, end', z.string().startsWith('a.').endsWith('b'), letters.map((text) => `a.${text}b`)],
  ['zod: email', z.email(), addresses],
  ['zod: UUID', z.uuid(), fc.oneof(fc.uuid(), texts)],
  ['zod: date-time', z.iso.datetime({ offset: true }), moments],
  ['zod: date', z.iso.date(), dates],
  ['zod: time', z.iso.time(), times],
  ['zod: number in bounds', z.number().gt(0).lte(100), numbers],
  ['zod: integer', z.int(), numbers],
  ['zod: nullable list', z.array(z.number()).min(1).max(3).nullable(), lists],
  ['zod: tuple', z.tuple([z.string(), z.number().optional()]), lists],
  [
    'zod: object',
    z.object({
      host: z.string().min(1),
      port: z.number().int().default(25),
      tags: z.array(z.string()).optional(),
    }),
    person,
  ],
  ['zod: strict object', z.strictObject({ host: z.string(), port: z.number().optional() }), person],
  [
    'zod: record',
    z.record(z.enum(['a', 'b']), z.number()),
    fc.oneof(fc.dictionary(fc.constantFrom('a', 'b', 'c'), numbers), fc.record({ a: numbers, b: scalars })),
  ],
  ['zod: union', z.union([z.string().max(3), z.number().int(), z.array(z.boolean())]), scalars],
  [
    'zod: variants',
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), host: z.string() }),
      z.object({ kind: z.literal('b') }),
    ]),
    person,
  ],
  ['zod: intersection', z.object({ host: z.string() }).and(z.object({ port: z.number() })), person],
  ['zod: any JSON', z.json(), anything],
  [
    'zod: recursive object',
    TREE,
    fc.oneof(
      nested,
      nested.map((child) => ({ name: 'a', children: [child] })),
    ),
  ],
  ['valibot: string of a length', v.pipe(v.string(), v.minLength(2), v.maxLength(5)), texts],
  ['valibot: picklist', v.picklist(['a', 'b']), letters],
  ['valibot: number in bounds', v.pipe(v.number(), v.minValue(0), v.maxValue(100), v.integer()), numbers],
  ['valibot: date', v.pipe(v.string(), v.isoDate()), dates],
  ['valibot: date-time', v.pipe(v.string(), v.isoDateTime()), moments],
  ['valibot: timestamp', v.pipe(v.string(), v.isoTimestamp()), moments],
  ['valibot: nullable list', v.nullable(v.pipe(v.array(v.number()), v.minLength(1))), lists],
  ['valibot: tuple', v.strictTuple([v.string(), v.number()]), lists],
  [
    'valibot: object',
    v.object({ host: v.pipe(v.string(), v.minLength(1)), port: v.optional(v.number(), 25) }),
    person,
  ],
  ['valibot: strict object', v.strictObject({ host: v.string(), port: v.optional(v.number()) }), person],
  ['valibot: union', v.union([v.pipe(v.string(), v.maxLength(3)), v.boolean()]), scalars],
  [
    'valibot: variants',
    v.variant('kind', [
      v.object({ kind: v.literal('a'), host: v.string() }),
      v.object({ kind: v.literal('b') }),
    ]),
    person,
  ],
  ['arktype: string of a length', type('2 <= string <= 5'), texts],
  ['arktype: literals', type('"a" | 1 | null'), scalars],
  ['arktype: pattern', type(/^[a-c]+$/), letters],
  ['arktype: email', type('string.email'), addresses],
  ['arktype: UUID', type('string.uuid'), fc.oneof(fc.uuid(), texts)],
  ['arktype: ISO date', type('string.date.iso'), fc.oneof(moments, dates)],
  ['arktype: number in bounds', type('0 < number <= 100'), numbers],
  ['arktype: list', type('number[] >= 1'), lists],
  ['arktype: tuple', type(['string', 'number']), lists],
  ['arktype: object', type({ host: 'string > 0', 'port?': 'number.integer' }), person],
  ['arktype: strict object', type({ '+': 'reject', host: 'string', 'port?': 'number' }), person],
  ['arktype: union', type('string <= 3 | boolean | number.integer'), scalars],
];

/** Validators that check more than JSON Schema can describe, or change the value first. */
const WIDER: Case[] = [
  ['zod: URL', z.url(), urls],
  ['zod: http URL', z.httpUrl(), urls],
  ['zod: pattern with flags', z.string().regex(/^[a-z]+$/i), letters],
  [
    'zod: pattern with flags and a default',
    z
      .string()
      .regex(/^[a-z]+$/i)
      .default('a')
      .optional(),
    letters,
  ],
  // For numbers of more than fifteen digits, zod and ajv disagree on what is a multiple.
  ['zod: step', z.number().multipleOf(0.5), shortNumbers],
  ['arktype: integer step', type('number % 5'), fc.integer()],
  ['zod: decimal step', z.number().multipleOf(0.1), shortNumbers],
  ['zod: trimmed', z.string().trim().min(1).max(3), letters],
  [
    'zod: lower-cased',
    z
      .string()
      .toLowerCase()
      .regex(/^[a-z]+$/),
    letters,
  ],
  ['zod: trimmed email', z.string().trim().pipe(z.email()), addresses.map((text) => ` ${text} `)],
  ['zod: refined', z.string().refine((text) => text.startsWith('a')), letters],
  ['zod: coerced number', z.coerce.number().int().min(3), fc.oneof(scalars, lists, numbers.map(String))],
  ['zod: coerced string', z.coerce.string().min(2), fc.oneof(scalars, lists)],
  ['zod: coerced boolean', z.coerce.boolean(), anything],
  ['zod: preprocessed', z.preprocess((value) => Number(value), z.number().min(3)), fc.oneof(scalars, lists)],
  ['zod: transformed', z.string().transform(Number).pipe(z.number().min(3)), numbers.map(String)],
  ['zod: stringbool', z.stringbool(), fc.constantFrom('yes', 'No', 'TRUE', 'x')],
  ['zod: codec', z.codec(z.iso.datetime(), z.date(), CODEC()), moments],
  ['zod: nested', z.object({ host: z.string().trim().max(3), port: z.coerce.number() }), person],
  ['valibot: URL', v.pipe(v.string(), v.url()), urls],
  ['valibot: email', v.pipe(v.string(), v.email()), addresses],
  ['valibot: pattern with flags', v.pipe(v.string(), v.regex(/^[a-z]+$/i)), letters],
  ['valibot: trimmed', v.pipe(v.string(), v.minLength(1), v.trim(), v.maxLength(3)), letters],
  ['valibot: transformed', v.pipe(v.string(), v.transform(Number), v.minValue(3)), numbers.map(String)],
  [
    'valibot: checked',
    v.pipe(
      v.string(),
      v.check((text) => text.startsWith('a')),
      v.maxLength(4),
    ),
    letters,
  ],
  ['arktype: URL', type('string.url'), urls],
  ['arktype: pattern with flags', type(/^[a-z]+$/i), letters],
  ['arktype: trimmed', type('string.trim'), letters],
  ['arktype: parsed number', type('string.numeric.parse'), numbers.map(String)],
  ['arktype: narrowed', type('string').narrow((text) => text.startsWith('a')), letters],
  ['arktype: nested pattern with flags', type({ host: /^[a-z]*$/i }), person],
];

function CODEC(): { decode: (text: string) => Date; encode: (date: Date) => string } {
  return { decode: (text) => new Date(text), encode: (date) => date.toISOString() };
}

function bothOf(validator: Validator): {
  parses: (value: unknown) => boolean;
  accepts: (value: unknown) => boolean;
} {
  const isValibot = validator['~standard'].vendor === 'valibot';
  const wrapped = isValibot
    ? toStandardJsonSchema(validator as Parameters<typeof toStandardJsonSchema>[0])
    : validator;
  const config = defineConfig({ public: { key: wrapped } });
  const definition = config.keys.get('key') as KeyDefinition;
  // As the server receives it.
  const document = JSON.parse(
    JSON.stringify(toJsonSchema(config).properties.publicConfigSchema.properties.key),
  );
  const accepts = serverAjv().compile(document);
  return { parses: (value) => parseValue(definition, value).ok, accepts: (value) => accepts(value) };
}

describe('JSON Schema of a validator', () => {
  it.each(EXACT)('%s: the server accepts exactly what it accepts', (_, validator, values) => {
    const { parses, accepts } = bothOf(validator);
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: anything }), (value) => {
        const parsed = parses(value);
        if (parsed) accepted += 1;
        expect([value, accepts(value)]).toEqual([value, parsed]);
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it.each(WIDER)('%s: the server accepts what it accepts', (_, validator, values) => {
    const { parses, accepts } = bothOf(validator);
    let accepted = 0;
    fc.assert(
      fc.property(values, (value) => {
        if (!parses(value)) return;
        accepted += 1;
        expect([value, accepts(value)]).toEqual([value, true]);
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});

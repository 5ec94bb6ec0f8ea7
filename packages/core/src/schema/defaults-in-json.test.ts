import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SchemaError } from '../errors.ts';
import { createTestClient } from '../testing.ts';
import { defineConfig } from './define-config.ts';
import { toJsonSchema } from './json-schema.ts';
import { defineLimit } from './limit.ts';

class Money {
  cents = 1;
}
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

/** What JSON changes, drops or refuses, and how the error names it. */
const notJson: [name: string, value: unknown, named: string][] = [
  ['Infinity', Infinity, 'Infinity'],
  ['-Infinity', -Infinity, '-Infinity'],
  ['NaN', Number.NaN, 'NaN'],
  ['negative zero', -0, '-0'],
  ['a bigint', 1n, 'a bigint'],
  ['a Date', new Date(0), 'an instance of Date'],
  ['a Map', new Map([['a', 1]]), 'an instance of Map'],
  ['a Set', new Set([1]), 'an instance of Set'],
  ['a URL', new URL('https://example.com'), 'an instance of URL'],
  ['a typed array', new Uint8Array([1]), 'an instance of Uint8Array'],
  ['an instance of a class', new Money(), 'an instance of Money'],
  ['undefined in an array', [1, undefined], 'undefined at "1"'],
  ['a hole in an array', Array(1), 'undefined at "0"'],
  ['a lone surrogate', 'a\ud800', 'half of a surrogate pair'],
  ['a lone surrogate as a name', { '\udc00': 1 }, 'half of a surrogate pair'],
  ['a symbol', Symbol('s'), 'a symbol'],
  ['an object that contains itself', cyclic, 'contains itself'],
  ['a number deep inside', { a: [{ b: Number.NaN }] }, 'NaN at "a.0.b"'],
  ['a function inside', { a: () => 1 }, 'a function at "a"'],
];

describe('a default that JSON cannot carry', () => {
  const wrapped = (value: unknown) => toStandardJsonSchema(v.optional(v.any(), value as never));

  it.each(notJson)('is refused at definition, by name: %s', (_, value, named) => {
    const validators = [
      z.any().default(value),
      z.any().default(() => value),
      z.any().prefault(value),
      z.any().catch(value),
      z.any().default(value).nullable().readonly(),
      z.object({ inner: z.array(z.any().default(value)) }),
      z.preprocess((input) => input, z.any().default(value)),
      z.any().default(value).transform(String),
      v.optional(v.any(), value as never),
      v.optional(v.any(), () => value as never),
      v.fallback(v.any(), value as never),
      v.pipe(
        v.optional(v.any(), value as never),
        v.check(() => true),
      ),
      v.object({ inner: v.optional(v.any(), value as never) }),
      wrapped(value),
    ];
    for (const validator of validators) {
      for (const group of ['public', 'flags'] as const) {
        const define = () => defineConfig({ [group]: { ratio: validator } });
        expect(define).toThrow(SchemaError);
        expect(define).toThrow(expect.objectContaining({ key: 'ratio' }));
        expect(define).toThrow(named);
      }
      expect(() => defineConfig({ secrets: { ratio: validator } })).not.toThrow();
    }
  });

  it('of a library that does not describe its defaults is refused when it is pushed, or left out', () => {
    const lazy = defineConfig({
      flags: { ratio: z.lazy(() => z.number().nullable().default(Infinity)), other: z.boolean() },
    });
    expect(() => toJsonSchema(lazy)).toThrow(expect.objectContaining({ key: 'ratio' }));
    expect(createTestClient({ config: lazy, flags: { other: true } }).snapshot().flags).toEqual({
      other: { value: true, source: 'raw' },
    });
    const own = {
      '~standard': {
        version: 1 as const,
        vendor: 'own',
        validate: (value: unknown) => ({ value: value ?? Infinity }),
        jsonSchema: { input: () => ({ default: Infinity }), output: () => ({}) },
      },
    };
    const config = defineConfig({ flags: { own } });
    expect(() => toJsonSchema(config)).toThrow(/"own".*Infinity at "default"/);
    expect(createTestClient({ config }).snapshot().flags).toEqual({});
  });

  it('of a limit is refused, and its negative zero is zero', () => {
    for (const value of [Infinity, Number.NaN, 1n, '1', null]) {
      const define = () => defineConfig({ limits: { seats: { default: value as number } } });
      expect(define).toThrow(expect.objectContaining({ key: 'seats' }));
    }
    expect(Object.values(defineLimit({ default: -0, min: -0 }))).toEqual([0, 0]);
  });
});

describe('a default that JSON can carry', () => {
  it('is accepted, also before a transform and as null', () => {
    const config = defineConfig({
      public: {
        page: z
          .url()
          .transform((text) => new URL(text))
          .prefault('https://example.com/'),
        port: z.coerce.number().prefault('80'),
        since: z.coerce.date().optional(),
        nothing: z.string().nullable().default(null),
        chosen: z
          .string()
          .nullable()
          .default(null)
          .transform((text) => text ?? 'x'),
        list: z.array(z.number()).default([]),
        missing: z.object({ a: z.string().optional() }).default({ a: undefined }),
        none: z.any().default(undefined),
      },
      flags: { emoji: z.string().default('😀') },
    });
    const snapshot = createTestClient({ config }).snapshot();
    expect(snapshot.public).toEqual({
      page: 'https://example.com/',
      port: 80,
      nothing: null,
      chosen: 'x',
      list: [],
      missing: {},
    });
    expect(snapshot.flags.emoji?.value).toBe('😀');
  });
});

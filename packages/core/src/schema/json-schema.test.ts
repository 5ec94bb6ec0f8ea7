import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit, SchemaError, toJsonSchema, type Validators } from '../index.ts';
import { parseValue } from './parse-value.ts';

describe('toJsonSchema', () => {
  it('has one object schema per tier, also for tiers without keys', () => {
    const config = defineConfig({
      limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100, step: 5 }) },
    });
    const none = { type: 'object', properties: {} };
    expect(toJsonSchema(config)).toEqual({
      type: 'object',
      properties: {
        publicConfigSchema: none,
        secretConfigSchema: none,
        featureFlagSchema: none,
        limitsSchema: {
          type: 'object',
          properties: { cartItems: { type: 'number', default: 20, minimum: 1, maximum: 100, multipleOf: 5 } },
        },
      },
    });
  });

  const theme = { enum: ['light', 'dark'] };
  it.each([
    ['zod', z.enum(['light', 'dark']).default('light'), { ...theme, default: 'light' }],
    [
      'valibot',
      toStandardJsonSchema(v.optional(v.picklist(['light', 'dark']), 'light')),
      { ...theme, default: 'light' },
    ],
    ['arktype', type("'light' | 'dark'"), theme],
  ])('keeps the schema of %s, with its default', (_, validator, expected) => {
    const schema = toJsonSchema(defineConfig({ flags: { theme: validator } })).properties.featureFlagSchema
      .properties.theme;
    expect(schema).toMatchObject({ ...expected, enum: expect.arrayContaining(expected.enum) });
    expect(schema).not.toHaveProperty('$schema');
    expect('default' in (schema ?? {})).toBe('default' in expected);
  });

  it.each([
    ['zod', z.object({ host: z.string().min(1), port: z.number().int().optional() })],
    [
      'valibot',
      toStandardJsonSchema(
        v.object({
          host: v.pipe(v.string(), v.minLength(1)),
          port: v.optional(v.pipe(v.number(), v.integer())),
        }),
      ),
    ],
    ['arktype', type({ host: 'string > 0', 'port?': 'number.integer' })],
  ])('accepts in ajv exactly what %s accepts', (_, validator) => {
    const config = defineConfig({ public: { smtp: validator } });
    const definition = config.keys.get('smtp');
    const schema = toJsonSchema(config).properties.publicConfigSchema.properties.smtp;
    if (definition === undefined || schema === undefined) throw new Error('no smtp');
    const accepts = new Ajv2020({ strict: false }).compile(schema);
    const values = [
      { host: 'a' },
      { host: 'a', port: 25 },
      { host: '' },
      { host: 'a', port: 2.5 },
      { port: 25 },
      'a',
      null,
      [],
    ];
    for (const value of values)
      expect([value, accepts(value)]).toEqual([value, parseValue(definition, value).ok]);
  });

  it('turns the format beside a pattern into an annotation', () => {
    const { properties } = toJsonSchema(defineConfig({ public: { email: z.email(), url: z.url() } }));
    expect(properties.publicConfigSchema.properties).toEqual({
      email: { type: 'string', 'x-format': 'email', pattern: expect.any(String) },
      url: { type: 'string', format: 'uri' },
    });
  });

  it('describes the input of a validator, not its output', () => {
    const config = defineConfig({ public: { length: z.string().transform((text) => text.length) } });
    expect(toJsonSchema(config).properties.publicConfigSchema.properties.length).toEqual({ type: 'string' });
  });

  it('removes a secret’s default and examples at any depth, but no property of that name', () => {
    const config = defineConfig({
      secrets: {
        database: z
          .object({ password: z.string().default('hunter2'), default: z.string().default('hunter2') })
          .meta({ examples: [{ password: 'hunter2', default: 'x' }] })
          .default({ password: 'hunter2', default: 'hunter2' }),
        list: z.array(z.union([z.string().default('hunter2'), z.number()])),
        key: toStandardJsonSchema(v.optional(v.string(), 'hunter2')),
      },
    });
    const schema = toJsonSchema(config);
    expect(JSON.stringify(schema)).not.toContain('hunter2');
    expect(schema.properties.secretConfigSchema.properties.database).toMatchObject({
      properties: { password: { type: 'string' }, default: { type: 'string' } },
    });
  });

  it('names the key of a validator that cannot be converted, with a remedy', () => {
    const convert = (validators: Validators) => () => toJsonSchema(defineConfig({ public: validators }));
    expect(convert({ a: v.string() })).toThrow(SchemaError);
    expect(convert({ a: v.string() })).toThrow(expect.objectContaining({ key: 'a' }));
    expect(convert({ a: v.string() })).toThrow(/"a".*valibot.*@valibot\/to-json-schema/);
    expect(convert({ b: z.date() })).toThrow(/"b".*JSON Schema/);
    const own = {
      '~standard': { version: 1 as const, vendor: 'own', validate: (value: unknown) => ({ value }) },
    };
    expect(convert({ c: own })).toThrow(/"c".*own/);
  });

  it('names a schema that refers to itself, also through a property called "default"', () => {
    const LINK = z.object({
      get default(): z.ZodOptional<typeof LINK> {
        return LINK.optional();
      },
    });
    const { properties } = toJsonSchema(defineConfig({ public: { link: LINK } })).properties
      .publicConfigSchema;
    expect(JSON.stringify(properties)).not.toContain('"$ref":"#"');
    expect(properties.link).toMatchObject({
      $ref: '#/$defs/self',
      $defs: { self: { properties: { default: { $ref: '#/$defs/self' } } } },
    });
  });
});

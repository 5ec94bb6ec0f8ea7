import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import { JSONSchema, Schema } from 'effect';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createConfigClient } from '../server.ts';
import { createLenientClient } from '../test-support/lenient-client.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { serverAjv } from '../test-support/server-ajv.ts';
import { defineConfig } from './define-config.ts';
import { toJsonSchema } from './json-schema.ts';

// The recipes of docs/validators.md. `check-snippets` compiles the document itself.

const moment = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.transform((text) => new Date(text)),
);

function fromEffect<Output, Input>(schema: Schema.Schema<Output, Input>, fallback?: Input) {
  const { '~standard': standard } = Schema.standardSchemaV1(schema);
  const jsonSchema = () => ({
    ...JSONSchema.make(Schema.encodedBoundSchema(schema), { target: 'jsonSchema2020-12' }),
    ...(fallback !== undefined && { default: fallback }),
  });
  return {
    '~standard': {
      ...standard,
      validate: (value: unknown) => standard.validate(value === undefined ? fallback : value),
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  };
}

const recipes = {
  zod: defineConfig({
    public: { supportEmail: z.email() },
    secrets: { paymentKey: z.string().min(1) },
    flags: {
      newCheckout: z.boolean().default(false),
      launchAt: z.iso
        .datetime()
        .transform((text) => new Date(text))
        .prefault('2027-01-01T00:00:00Z'),
    },
  }),
  valibot: defineConfig({
    public: { supportEmail: toStandardJsonSchema(v.pipe(v.string(), v.email())) },
    secrets: { paymentKey: toStandardJsonSchema(v.pipe(v.string(), v.minLength(1))) },
    flags: {
      newCheckout: toStandardJsonSchema(v.optional(v.boolean(), false)),
      launchAt: toStandardJsonSchema(v.optional(moment, '2027-01-01T00:00:00Z')),
    },
  }),
  arktype: defineConfig({
    public: { supportEmail: type('string.email') },
    secrets: { paymentKey: type('string > 0') },
    flags: {
      newCheckout: type('boolean | undefined').pipe((value) => value ?? false),
      launchAt: type('string.date.iso | undefined').pipe((text) => new Date(text ?? '2027-01-01T00:00:00Z')),
    },
  }),
  effect: defineConfig({
    public: { supportEmail: fromEffect(Schema.String.pipe(Schema.pattern(/^\S+@\S+$/))) },
    secrets: { paymentKey: fromEffect(Schema.NonEmptyString) },
    flags: {
      newCheckout: fromEffect(Schema.Boolean, false),
      launchAt: fromEffect(Schema.Date, '2027-01-01T00:00:00Z'),
    },
  }),
};

describe.each(Object.entries(recipes))('the recipe for %s', (_, recipe) => {
  const config = recipe as (typeof recipes)['zod'];
  const supportEmail = 'help@shop.example';

  it('has defaults, transforms values and refuses invalid ones', () => {
    const client = createLenientClient({ config, public: { supportEmail }, secrets: { paymentKey: 'k' } });
    expect(client.flag('newCheckout')).toBe(false);
    expect(client.flag('launchAt')).toEqual(new Date('2027-01-01T00:00:00Z'));
    expect(client.secret('paymentKey')).toBe('k');
    expect(client.flagDetails('newCheckout').errorCode).toBeUndefined();
    client.set({ flags: { newCheckout: true, launchAt: '2028-01-01T00:00:00Z' } });
    expect(client.flag('newCheckout')).toBe(true);
    expect(client.flag('launchAt')).toEqual(new Date('2028-01-01T00:00:00Z'));
    expect(client.snapshot().flags.launchAt?.value).toBe('2028-01-01T00:00:00Z');
    client.set({ flags: { newCheckout: 'yes' as never }, public: { supportEmail: 'nobody' } });
    expect(
      client
        .health()
        .invalidKeys.map(({ key }) => key)
        .sort(),
    ).toEqual(['newCheckout', 'supportEmail']);
    expect(client.public('supportEmail')).toBe(supportEmail);
  });

  it('reads environment variables', async () => {
    const variables = { SUPPORT_EMAIL: supportEmail, NEW_CHECKOUT: 'TRUE', PAYMENT_KEY: 'k' };
    const options = { config, source: new ManualSource(rulesetOf()), overrides: { variables } };
    await using client = await createConfigClient(options).ready();
    expect([client.flag('newCheckout'), client.secret('paymentKey')]).toEqual([true, 'k']);
  });

  it('can be pushed: its JSON Schema has the default and accepts what the validator accepts', () => {
    const { publicConfigSchema, featureFlagSchema, secretConfigSchema } = toJsonSchema(config).properties;
    const ajv = serverAjv();
    const accepts = (schema: object | undefined, value: unknown) => ajv.compile(schema ?? {})(value);
    const { newCheckout, launchAt } = featureFlagSchema.properties;
    expect(newCheckout?.default).toBe(false);
    expect([true, false, 'yes', null, 1].map((value) => accepts(newCheckout, value))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([accepts(launchAt, '2028-01-01T00:00:00Z'), accepts(launchAt, 1)]).toEqual([true, false]);
    const { supportEmail: email } = publicConfigSchema.properties;
    expect([accepts(email, supportEmail), accepts(email, 1)]).toEqual([true, false]);
    const { paymentKey } = secretConfigSchema.properties;
    expect([accepts(paymentKey, 'k'), accepts(paymentKey, ''), accepts(paymentKey, 1)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a validator that does not fit', () => {
  it.each([
    [
      'arktype .default()',
      type('boolean').default(false),
      /arktype's \.default.*\.pipe\(\(value\) => value \?\? false\)/,
    ],
    ['arktype .optional()', type('boolean').optional(), /arktype's \.optional.*\.or\("undefined"\)/],
    ['an Effect Schema', Schema.Boolean, /has no validator.*Schema\.standardSchemaV1/],
    ['nothing', undefined, /has no validator.*zod 4, valibot 1, arktype 2/],
  ])('%s: the message says what to write', (_, validator, message) => {
    expect(() => defineConfig({ flags: { newCheckout: validator as never } })).toThrow(message);
    expect(() => defineConfig({ flags: { newCheckout: validator as never } })).toThrow(
      'the flag "newCheckout"',
    );
  });

  it.each([
    ['valibot', v.boolean(), /Install "@valibot\/to-json-schema".*toStandardJsonSchema/],
    ['effect', Schema.standardSchemaV1(Schema.Boolean), /docs\/validators\.md/],
  ])('%s without JSON Schema can be read, and a push says what is missing', (_, validator, message) => {
    const config = defineConfig({ flags: { newCheckout: validator } });
    expect(createLenientClient({ config, flags: { newCheckout: true } }).flag('newCheckout')).toBe(true);
    expect(() => toJsonSchema(config)).toThrow(message);
  });
});

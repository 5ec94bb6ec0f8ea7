import { describe, expect, it } from 'vitest';
import { findPortabilityIssues } from '../schema/portable-check.ts';
import { SHOP, schemaModule, startBench } from '../test-support/cli-bench.ts';

const ARGV = ['push', 'config.ts', '--name', 'shop', '--portable'];

/** A validator with that JSON Schema. */
const custom = (schema: object): string => `
  public: { odd: { '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: () => (${JSON.stringify(schema)}), output: () => (${JSON.stringify(schema)}) },
  } } },`;

describe('push --portable', () => {
  it('pushes a schema that all SDKs of the platform understand', async () => {
    const { cli, file } = await startBench();
    await file('config.ts', schemaModule(SHOP));
    expect(await cli(ARGV)).toMatchObject({ code: 0, stderr: '' });
  });

  it('lists each refusal with its path, keyword and suggestion, and pushes nothing', async () => {
    const { cli, file } = await startBench();
    const deep = { type: 'object', properties: { when: { type: 'array', contains: {} } } };
    await file('config.ts', schemaModule(custom({ ...deep, not: { type: 'null' } })));
    const { code, stderr } = await cli(ARGV);
    expect(code).toBe(1);
    expect(stderr).toBe(`error: Not all SDKs of the platform understand this schema:
  public.odd.when: "contains" is not understood by all SDKs of the platform. Use items with one schema for every item.
  public.odd: "not" is not understood by all SDKs of the platform. List the values that are allowed, with enum or anyOf.
Nothing was pushed. Change these parts, or push without --portable if only TypeScript reads the schema.
`);
    expect((await cli(['list', '--json'])).stdout).toBe('[]\n');
    const json = await cli([...ARGV, '--json', '--dry-run']);
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: {
        code: 'ERR_FAILED',
        issues: [
          {
            path: 'public.odd.when',
            keyword: 'contains',
            message: expect.any(String),
            suggestion: expect.any(String),
          },
          { path: 'public.odd', keyword: 'not' },
        ],
      },
    });
    expect((await cli(ARGV.slice(0, -1))).code).toBe(0);
  });
});

describe('the check for portability', () => {
  const check = (odd: object) =>
    findPortabilityIssues({ properties: { publicConfigSchema: { properties: { odd } } } } as never);

  it.each([
    'if then else patternProperties propertyNames dependencies contains not prefixItems unevaluatedProperties unevaluatedItems',
    'dependentRequired dependentSchemas minProperties maxProperties minContains maxContains contentEncoding',
  ])('refuses each of %s, with a suggestion', (keywords) => {
    for (const keyword of keywords.split(' ')) {
      expect(check({ [keyword]: {} }), keyword).toEqual([
        {
          path: 'public.odd',
          keyword,
          message: expect.any(String),
          suggestion: expect.stringMatching(/\.$/),
        },
      ]);
    }
  });

  it('looks into every subschema, and not into values', () => {
    const bad = { not: {} };
    const paths = check({
      items: bad,
      additionalProperties: bad,
      anyOf: [{}, bad],
      allOf: [{ oneOf: [bad] }],
      properties: { not: bad },
      $defs: { a: bad },
      definitions: { b: bad },
      default: bad,
      const: bad,
      enum: [bad],
      'x-own': bad,
    }).map(({ path }) => path);
    expect(paths).toEqual([
      'public.odd.items',
      'public.odd.additionalProperties',
      'public.odd.anyOf[1]',
      'public.odd.allOf[0].oneOf[0]',
      'public.odd.not',
      'public.odd.a',
      'public.odd.b',
    ]);
  });

  it.each(['email', 'uri', 'uuid', 'date-time', 'ipv4', 'ipv6'])('accepts the format %s', (format) => {
    expect(check({ type: 'string', format })).toEqual([]);
  });

  it.each(['date', 'hostname', 'duration', 'regex', 7])('refuses the format %j', (format) => {
    expect(check({ format })).toMatchObject([
      { keyword: 'format', suggestion: expect.stringContaining('date-time') },
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bucketOf } from '../evaluation/bucket.ts';
import { type Condition, defineConfig, defineLimit, evaluate, type JsonValue } from '../index.ts';
import * as arbitrary from '../test-support/arbitrary-targeting.ts';
import { createTestClient, type TestClient } from '../testing.ts';

const config = defineConfig({
  flags: { anything: z.unknown(), theme: z.enum(['light', 'dark', 'system']).default('system') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
const everyone: Condition = { all: [] };

/** A client that holds a value of `theme` which the types, as the server of an older schema, may not know. */
function withTheme(stored: unknown): TestClient<typeof config> {
  return createTestClient({ config, flags: { theme: stored as never } });
}

describe('flag and flagDetails', () => {
  it('answer what evaluate answers, whatever is stored', () => {
    fc.assert(
      fc.property(arbitrary.stored, arbitrary.context, arbitrary.segments, (stored, context, segments) => {
        const client = createTestClient({ config, flags: { anything: stored }, segments });
        const expected = evaluate('anything', stored, context, segments);
        expect(client.flag('anything', context)).toStrictEqual(expected.value);
        expect(client.flagDetails('anything', context)).toStrictEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('agree with each other where the schema refuses some of the values', () => {
    const value = fc.constantFrom('light', 'dark', 'pink', 1, null);
    const cohort = fc.record({
      rules: fc.array(
        fc.oneof(
          fc.record({ id: fc.constant('value'), when: fc.constant(everyone), value }),
          fc.record({
            id: fc.constant('rollout'),
            when: fc.constant({ attribute: 'a', op: 'exists' }),
            rollout: fc.record({
              variants: fc.array(fc.record({ value, weight: fc.constant(40) }), { maxLength: 2 }),
            }),
          }),
        ),
        { maxLength: 3 },
      ),
      defaultValue: value,
    });
    fc.assert(
      fc.property(cohort, fc.record({ a: fc.boolean(), userId: fc.string() }), ($cohort, context) => {
        const client = withTheme({ $cohort });
        const details = client.flagDetails('theme', context);
        const stored = evaluate('theme', { $cohort } as JsonValue, context);
        const isValid = ['light', 'dark'].includes(stored.value as string);
        const isDefaultValid = ['light', 'dark'].includes($cohort.defaultValue as string);
        expect(client.flag('theme', context)).toBe(details.value);
        expect(details).toStrictEqual(
          isValid
            ? stored
            : {
                value: isDefaultValid ? $cohort.defaultValue : 'system',
                source: 'default',
                errorCode: 'ERR_VALUE_INVALID',
              },
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a stored value that is malformed', () => {
  it.each<[unknown]>([[null], [5], ['x'], [true], [[]]])(
    'a $cohort that is %j gives the default, and is told',
    ($cohort) => {
      const client = withTheme({ $cohort });
      expect(client.flag('theme')).toBe('system');
      expect(client.flagDetails('theme')).toEqual({
        value: 'system',
        source: 'default',
        errorCode: 'ERR_VALUE_INVALID',
      });
      expect(client.health().invalidKeys).toMatchObject([{ key: 'theme', code: 'ERR_VALUE_INVALID' }]);
      const limits = createTestClient({ config, limits: { cartItems: { $cohort } as never } });
      expect(limits.limitDetails('cartItems')).toMatchObject({ value: 20, errorCode: 'ERR_VALUE_INVALID' });
    },
  );

  it('a malformed $cohort does not go on serving what was there before', () => {
    const client = withTheme('dark');
    client.set({ flags: { theme: { $cohort: null } as never } });
    expect(client.flag('theme')).toBe('system');
  });

  it('a rule without a value and a rollout never matches', () => {
    const rules = [
      { id: 'nothing', when: everyone },
      { id: 'both', when: everyone, value: 'dark', rollout: { variants: [] } },
      { id: 'light', when: everyone, value: 'light' },
    ];
    const client = withTheme({ $cohort: { rules, defaultValue: 'dark' } });
    expect(client.flagDetails('theme')).toEqual({ value: 'light', source: 'rule', matchedRuleId: 'light' });
    expect(client.health().invalidKeys).toEqual([]);
  });

  it('names the rule, variant and default that the schema refuses', () => {
    const variants = [
      { value: 'light', weight: 50 },
      { value: 'pink', weight: 50 },
    ];
    const rules = [
      { id: 'beta', when: everyone, value: 'blue' },
      { id: 'half', when: everyone, rollout: { variants } },
    ];
    const client = withTheme({ $cohort: { rules, rollout: { variants }, defaultValue: 'red' } });
    const [invalid] = client.health().invalidKeys;
    expect(invalid?.message).toContain('rules[0].value of rule "beta"');
    expect(invalid?.message).toContain('rules[1].rollout.variants[1] of rule "half"');
    expect(invalid?.message).toContain('; rollout.variants[1]');
    expect(invalid?.message).toContain('defaultValue');
  });

  it('tells of the first ten of many, and how many more', () => {
    const rules = Array.from({ length: 1_000 }, (_, index) => ({
      id: `r${index}`,
      when: everyone,
      value: 'pink',
    }));
    const client = withTheme({ $cohort: { rules, defaultValue: 'dark' } });
    const [invalid] = client.health().invalidKeys;
    expect(invalid?.message).toContain('rules[9].value of rule "r9"');
    expect(invalid?.message).not.toContain('rules[10]');
    expect(invalid?.message).toContain('and 990 more');
  });
});

describe('a change of segments', () => {
  const nl: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
  const be: Condition = { attribute: 'country', op: 'in', values: ['BE'] };
  const on = (segment: string): never =>
    ({
      $cohort: {
        rules: [{ id: 'r', when: { not: { not: { segment } } }, value: { on: true } }],
        defaultValue: {},
      },
    }) as never;
  const flags = defineConfig({
    flags: { direct: z.unknown(), nested: z.unknown(), other: z.unknown(), none: z.unknown() },
  });

  function start() {
    const client = createTestClient({
      config: flags,
      flags: {
        direct: on('dutch'),
        nested: on('outer'),
        other: on('belgian'),
        none: { $cohort: { defaultValue: 1 } } as never,
      },
      segments: {
        dutch: nl,
        outer: { any: [{ segment: 'middle' }] },
        middle: { segment: 'dutch' },
        belgian: be,
      },
    });
    const changes: string[][] = [];
    client.subscribe(({ keys }) => changes.push([...keys].sort()));
    return { client, changes };
  }

  it('concerns the keys that use it, however far away, and no other', () => {
    const { client, changes } = start();
    expect(client.flag('nested', { country: 'NL' })).toEqual({ on: true });
    client.set({ segments: { dutch: be } });
    expect(changes).toEqual([['direct', 'nested']]);
    for (const key of ['direct', 'nested', 'other'] as const) {
      expect(client.flag(key, { country: 'NL' }), key).toEqual({});
      expect(client.flag(key, { country: 'BE' }), key).toEqual({ on: true });
    }
    client.set({ segments: { belgian: nl } });
    client.set({ segments: { belgian: { ...nl } } });
    expect(changes.slice(1)).toEqual([['other']]);
  });

  it('that closes or opens a cycle is seen by all of it', () => {
    const { client, changes } = start();
    client.set({ segments: { dutch: { any: [{ segment: 'outer' }, nl] } } });
    expect(changes).toEqual([['direct', 'nested']]);
    expect(client.flag('nested', { country: 'NL' })).toEqual({ on: true });
    client.set({ segments: { dutch: be } });
    expect(client.flag('nested', { country: 'NL' })).toEqual({});
    expect(client.flag('nested', { country: 'BE' })).toEqual({ on: true });
  });

  it('that comes later makes an unknown segment known', () => {
    const client = createTestClient({ config: flags, flags: { direct: on('late') } });
    expect(client.flag('direct', { country: 'NL' })).toEqual({});
    client.set({ segments: { late: nl } });
    expect(client.flag('direct', { country: 'NL' })).toEqual({ on: true });
  });
});

describe('flag() under hostile input', () => {
  const half = { $cohort: { rollout: { variants: [{ value: 'light', weight: 50 }] }, defaultValue: 'dark' } };

  it('never throws, whatever the context and the key are', () => {
    const client = withTheme(half);
    const options = {
      withNullPrototype: true,
      withMap: true,
      withDate: true,
      withBigInt: true,
      withSparseArray: true,
    };
    fc.assert(
      fc.property(fc.anything(options), fc.anything(options), (context, userId) => {
        expect(['light', 'dark']).toContain(client.flag('theme', context as never));
        expect(['light', 'dark']).toContain(client.flag('theme', { userId }));
      }),
      { numRuns: 2_000 },
    );
    for (const key of ['__proto__', 'constructor', 'toString', '', 'a\ud800', 5, null, Symbol('k'), {}]) {
      expect(client.flag(key as never)).toBeUndefined();
      expect(client.limit(key as never)).toBeUndefined();
      expect(client.flagDetails(key as never).errorCode).toBe('ERR_KEY_UNKNOWN');
    }
  });

  it('takes an inherited attribute for a missing one, also from a class', () => {
    class Visitor {
      get userId(): string {
        return 'inherited';
      }
    }
    const client = withTheme(half);
    for (const context of [new Visitor(), Object.create({ userId: 'inherited' })]) {
      expect(client.flagDetails('theme', context)).toEqual({ value: 'dark', source: 'default' });
    }
    const own = Object.assign(Object.create(null) as object, { userId: 'own' });
    expect(client.flagDetails('theme', own as never).rolloutBucket).toBe(
      Math.floor(bucketOf('theme', 'own') / 100),
    );
  });

  it('does not put a lone surrogate, NaN or a getter that throws into a wrong bucket', () => {
    const client = withTheme(half);
    const bucket = (userId: unknown): unknown => client.flagDetails('theme', { userId }).rolloutBucket;
    expect(bucket('a\ud800b')).toBe(bucket('a\ufffdb'));
    expect(bucket(Number.NaN)).toBe(bucket('NaN'));
    const context = {
      get userId(): string {
        throw new Error('no');
      },
    };
    expect(client.flagDetails('theme', context)).toEqual({ value: 'dark', source: 'default' });
    expect(client.flag('theme', context)).toBe('dark');
  });

  it('leaves every prototype as it was', () => {
    const before = Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length;
    const hostile = JSON.parse(
      '{"$cohort":{"__proto__":{"polluted":1},"rules":[{"id":"__proto__","when":{"segment":"__proto__"},"value":"light"}],"rollout":{"bucketBy":"__proto__.userId","variants":[{"value":"light","weight":100,"__proto__":{"weight":0}}]},"defaultValue":"dark"}}',
    ) as JsonValue;
    const segments = JSON.parse('{"__proto__":{"attribute":"__proto__","op":"exists"}}') as Record<
      string,
      Condition
    >;
    const client = createTestClient({ config, flags: { theme: hostile as never }, segments });
    const context = JSON.parse('{"__proto__":{"userId":"u"}}') as Record<string, unknown>;
    expect(client.flagDetails('theme', context)).toMatchObject({ value: 'light' });
    expect(client.flagDetails('theme', {})).toEqual({ value: 'dark', source: 'default' });
    expect(Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length).toBe(before);
    expect('polluted' in {}).toBe(false);
  });

  it('reads huge lists and deep contexts', () => {
    const rules = [{ id: 'r', when: { attribute: 'tags', op: 'in', values: ['last'] }, value: 'light' }];
    const client = withTheme({ $cohort: { rules, defaultValue: 'dark' } });
    const tags = Array.from({ length: 1_000_000 }, (_, index) => String(index));
    expect(client.flag('theme', { tags })).toBe('dark');
    expect(client.flag('theme', { tags: [...tags, 'last'] })).toBe('light');
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 100_000; level++) deep = { deep };
    expect(client.flag('theme', { tags: deep, ...deep })).toBe('dark');
  });
});

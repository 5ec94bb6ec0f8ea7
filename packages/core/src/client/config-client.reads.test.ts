import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bucketOf } from '../evaluation/bucket.ts';
import { type Condition, defineConfig, defineLimit, evaluate, type JsonValue } from '../index.ts';
import * as arbitrary from '../test-support/arbitrary-targeting.ts';
import { createLenientClient, type LenientClient } from '../test-support/lenient-client.ts';
import { runs } from '../test-support/runs.ts';

const config = defineConfig({
  flags: { anything: z.unknown(), theme: z.enum(['light', 'dark', 'system']).default('system') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});
const everyone: Condition = { all: [] };

/** A client whose stored `theme` need not match the schema, as if the server had an older one. */
function withTheme(stored: unknown): LenientClient<typeof config> {
  return createLenientClient({ config, flags: { theme: stored as never } });
}

describe('flag() and flagDetails()', () => {
  it('return the same as evaluate(), whatever is stored', () => {
    fc.assert(
      fc.property(arbitrary.stored, arbitrary.context, arbitrary.segments, (stored, context, segments) => {
        const client = createLenientClient({ config, flags: { anything: stored }, segments });
        const expected = evaluate('anything', stored, context, segments);
        expect(client.flag('anything', context)).toStrictEqual(expected.value);
        expect(client.flagDetails('anything', context)).toStrictEqual(expected);
      }),
      { numRuns: runs(200, 2_000) },
    );
  });

  it('agree with each other if the schema rejects some of the values', () => {
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
      { numRuns: runs(200, 2_000) },
    );
  });
});

describe('a malformed stored value', () => {
  it.each<[unknown]>([[null], [5], ['x'], [true], [[]]])(
    'whose $cohort is %j gives the default, and is reported',
    ($cohort) => {
      const client = withTheme({ $cohort });
      expect(client.flag('theme')).toBe('system');
      expect(client.flagDetails('theme')).toEqual({
        value: 'system',
        source: 'default',
        errorCode: 'ERR_VALUE_INVALID',
      });
      expect(client.health().invalidKeys).toMatchObject([{ key: 'theme', code: 'ERR_VALUE_INVALID' }]);
      const limits = createLenientClient({ config, limits: { cartItems: { $cohort } as never } });
      expect(limits.limitDetails('cartItems')).toMatchObject({ value: 20, errorCode: 'ERR_VALUE_INVALID' });
    },
  );

  it('does not keep the previous value if its $cohort is malformed', () => {
    const client = withTheme('dark');
    client.set({ flags: { theme: { $cohort: null } as never } });
    expect(client.flag('theme')).toBe('system');
  });

  it('never matches by a rule without exactly one of value and rollout', () => {
    const rules = [
      { id: 'nothing', when: everyone },
      { id: 'both', when: everyone, value: 'dark', rollout: { variants: [] } },
      { id: 'light', when: everyone, value: 'light' },
    ];
    const client = withTheme({ $cohort: { rules, defaultValue: 'dark' } });
    expect(client.flagDetails('theme')).toEqual({ value: 'light', source: 'rule', matchedRuleId: 'light' });
    expect(client.health().invalidKeys).toEqual([]);
  });

  it('is reported with the rule, variant and default that the schema rejects', () => {
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

  it('is reported with the first ten of many issues, and the number of the others', () => {
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
    const client = createLenientClient({
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

  it('affects the keys that use it, directly or through other segments, and no others', () => {
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

  it('may close or open a cycle', () => {
    const { client, changes } = start();
    client.set({ segments: { dutch: { any: [{ segment: 'outer' }, nl] } } });
    expect(changes).toEqual([['direct', 'nested']]);
    expect(client.flag('nested', { country: 'NL' })).toEqual({ on: true });
    client.set({ segments: { dutch: be } });
    expect(client.flag('nested', { country: 'NL' })).toEqual({});
    expect(client.flag('nested', { country: 'BE' })).toEqual({ on: true });
  });

  it('may define a segment that was unknown', () => {
    const client = createLenientClient({ config: flags, flags: { direct: on('late') } });
    expect(client.flag('direct', { country: 'NL' })).toEqual({});
    client.set({ segments: { late: nl } });
    expect(client.flag('direct', { country: 'NL' })).toEqual({ on: true });
  });
});

describe('flag() under hostile input', () => {
  const half = { $cohort: { rollout: { variants: [{ value: 'light', weight: 50 }] }, defaultValue: 'dark' } };

  it('never throws, whatever the context and the key', () => {
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
      { numRuns: runs(300, 2_000) },
    );
    for (const key of ['__proto__', 'constructor', 'toString', '', 'a\ud800', 5, null, Symbol('k'), {}]) {
      expect(client.flag(key as never)).toBeUndefined();
      expect(client.limit(key as never)).toBeUndefined();
      expect(client.flagDetails(key as never).errorCode).toBe('ERR_KEY_UNKNOWN');
    }
  });

  it('treats an inherited attribute as missing, also on a class instance', () => {
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

  it('finds the right bucket for a lone surrogate, NaN and a getter that throws', () => {
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

  it('does not change any prototype', () => {
    const before = Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length;
    const hostile = JSON.parse(
      '{"$cohort":{"__proto__":{"polluted":1},"rules":[{"id":"__proto__","when":{"segment":"__proto__"},"value":"light"}],"rollout":{"bucketBy":"__proto__.userId","variants":[{"value":"light","weight":100,"__proto__":{"weight":0}}]},"defaultValue":"dark"}}',
    ) as JsonValue;
    const segments = JSON.parse('{"__proto__":{"attribute":"__proto__","op":"exists"}}') as Record<
      string,
      Condition
    >;
    const client = createLenientClient({ config, flags: { theme: hostile as never }, segments });
    const context = JSON.parse('{"__proto__":{"userId":"u"}}') as Record<string, unknown>;
    expect(client.flagDetails('theme', context)).toMatchObject({ value: 'light' });
    expect(client.flagDetails('theme', {})).toEqual({ value: 'dark', source: 'default' });
    expect(Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length).toBe(before);
    expect('polluted' in {}).toBe(false);
  });

  it('handles huge arrays and deep contexts', () => {
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

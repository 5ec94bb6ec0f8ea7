import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition, EvaluationContext, JsonValue } from '../index.ts';
import { context, segments, stored } from '../test-support/arbitrary-targeting.ts';
import { runs } from '../test-support/runs.ts';
import { parseAttribute } from './attribute.ts';
import { bucketOf } from './bucket.ts';
import type { ValueParser } from './cohort.ts';
import { compileCohort } from './compile-cohort.ts';
import { CompiledSegments } from './compiled-segments.ts';
import { evaluateDetails, evaluateValue, type Program, readUnit, variantAt } from './program.ts';

/** A schema that refuses every string that begins with "bad". */
const parse: ValueParser<unknown> = (value) => {
  const isRefused = typeof value === 'string' && value.startsWith('bad');
  return { value: isRefused ? 'declared' : value, isRefused };
};

function programOf(cohort: Record<string, unknown>, all = {}): Program<unknown> {
  return compileCohort('flag', cohort, { conditions: new CompiledSegments(all), parse });
}

/** The details, after a check that the value alone is the same. */
function run(cohort: Record<string, unknown>, attributes: EvaluationContext = {}): unknown {
  const program = programOf(cohort);
  const details = evaluateDetails(program, attributes);
  expect(evaluateValue(program, attributes)).toBe(details.value);
  return details;
}

const IS_NL: Condition = { attribute: 'country', op: 'in', values: ['NL'] };
const EVERYONE: Condition = { all: [] };
const to = (...weights: [value: JsonValue, weight: number][]) => ({
  variants: weights.map(([value, weight]) => ({ value, weight })),
});
const INVALID = { value: 'default', source: 'default', errorCode: 'ERR_VALUE_INVALID' };

describe('a value that the schema refused', () => {
  it('of a rule is replaced by the default, for those that the rule matches', () => {
    const cohort = { rules: [{ id: 'r', when: IS_NL, value: 'bad' }], defaultValue: 'default' };
    expect(run(cohort, { country: 'NL' })).toEqual(INVALID);
    expect(run(cohort, { country: 'BE' })).toEqual({ value: 'default', source: 'default' });
  });

  it('of a variant is replaced by the default, for those that get the variant', () => {
    for (const cohort of [
      { rollout: to(['bad', 100]), defaultValue: 'default' },
      { rules: [{ id: 'r', when: EVERYONE, rollout: to(['bad', 100]) }], defaultValue: 'default' },
    ]) {
      expect(run(cohort, { userId: 'u' })).toEqual(INVALID);
    }
    const half = { rollout: to(['bad', 0], ['good', 100]), defaultValue: 'default' };
    expect(run(half, { userId: 'u' })).toMatchObject({ value: 'good', source: 'rollout' });
  });

  it('of the default is replaced by the declared one, with an error for all that get it', () => {
    const invalid = { value: 'declared', source: 'default', errorCode: 'ERR_VALUE_INVALID' };
    const rules = [
      { id: 'r', when: IS_NL, value: 'good' },
      { id: 'none', when: { attribute: 'country', op: 'in', values: ['BE'] }, rollout: to(['good', 0]) },
      { id: 'malformed', when: { attribute: 'country', op: 'in', values: ['DE'] }, rollout: 5 },
      { id: 'bad', when: { attribute: 'country', op: 'in', values: ['FR'] }, value: 'bad' },
    ];
    const cohort = { rules, defaultValue: 'bad' };
    expect(run(cohort, { country: 'NL' })).toEqual({ value: 'good', source: 'rule', matchedRuleId: 'r' });
    for (const country of ['', 'BE', 'DE', 'FR'])
      expect(run(cohort, { country, userId: 'u' })).toEqual(invalid);
    expect(run({ rollout: to(['good', 0]), defaultValue: 'bad' }, { userId: 'u' })).toEqual(invalid);
    expect(run({ rollout: to(['good', 100]), defaultValue: 'bad' }, { userId: 'u' })).toMatchObject({
      value: 'good',
    });
  });
});

describe('the details', () => {
  it('of the default are shared and frozen', () => {
    for (const defaultValue of ['good', 'bad']) {
      const program = programOf({ defaultValue });
      const details = evaluateDetails(program, {});
      expect(evaluateDetails(program, { country: 'NL' })).toBe(details);
      expect(Object.isFrozen(details)).toBe(true);
    }
  });

  it('name the rule and the bucket of a rollout, also for those that get no variant', () => {
    const rolloutBucket = expect.any(Number) as unknown;
    const unlucky = { value: 'default', source: 'default', rolloutBucket };
    const lucky = { value: 1, source: 'rollout', rolloutBucket };
    const inRule = (rollout: unknown) => ({
      rules: [{ id: 'r', when: EVERYONE, rollout }],
      defaultValue: 'default',
    });
    const subject = { userId: 'u' };
    expect(run({ rollout: to([1, 0]), defaultValue: 'default' }, subject)).toEqual(unlucky);
    expect(run({ rollout: to([1, 100]), defaultValue: 'default' }, subject)).toEqual(lucky);
    expect(run(inRule(to([1, 0])), subject)).toEqual({ ...unlucky, matchedRuleId: 'r' });
    expect(run(inRule(to([1, 100])), subject)).toEqual({ ...lucky, matchedRuleId: 'r' });
    // Without a unit, or with a malformed rollout, the bucket is left out.
    const none = { value: 'default', source: 'default' };
    expect(run({ rollout: to([1, 100]), defaultValue: 'default' })).toEqual(none);
    for (const rollout of [to([1, 100]), { variants: 5 }]) {
      expect(run(inRule(rollout))).toEqual({ ...none, matchedRuleId: 'r' });
    }
  });
});

describe('the lowest bucket', () => {
  // Found by search.
  const subject = { userId: 'u1946' };

  it('belongs to the first variant, in a value and in details', () => {
    expect(bucketOf('flag', subject.userId)).toBe(0);
    const rollout = to(['first', 0.01], ['other', 99.99]);
    const details = { value: 'first', source: 'rollout', rolloutBucket: 0 };
    expect(run({ rollout, defaultValue: 'default' }, subject)).toEqual(details);
    const rules = [{ id: 'r', when: EVERYONE, rollout }];
    expect(run({ rules, defaultValue: 'default' }, subject)).toEqual({ ...details, matchedRuleId: 'r' });
  });

  it('is named for those that get no variant', () => {
    const details = { value: 'default', source: 'default', rolloutBucket: 0 };
    expect(run({ rollout: to(['first', 0]), defaultValue: 'default' }, subject)).toEqual(details);
  });
});

describe('a rule', () => {
  const cohort = (when: Condition) => ({ rules: [{ id: 'r', when, value: 1 }], defaultValue: 0 });
  const matches = (when: Condition, attributes: unknown): boolean =>
    (run(cohort(when), attributes as EvaluationContext) as { value: unknown }).value === 1;
  const isIn = (attribute: string, ...values: (string | number | boolean)[]): Condition => ({
    attribute,
    op: 'in',
    values,
  });

  it('that compares one attribute matches any of its operands, or an element of a list', () => {
    for (const country of ['NL', 'BE', ['DE', 'BE'], ['NL']]) {
      expect(matches(isIn('country', 'NL', 'BE'), { country }), String(country)).toBe(true);
    }
    // The last operand is followed by the id of the rule.
    for (const country of ['DE', 'r', [], ['r'], [['NL']], { NL: 1 }, null, undefined]) {
      expect(matches(isIn('country', 'NL', 'BE'), { country })).toBe(false);
    }
  });

  it('does not match inherited attributes, and reads paths', () => {
    expect(matches(isIn('country', 'NL'), Object.create({ country: 'NL' }))).toBe(false);
    expect(matches(isIn('constructor', 'NL'), {})).toBe(false);
    expect(matches(isIn('user.country', 'NL'), { user: { country: 'NL' } })).toBe(true);
    expect(matches(isIn('user.country', 'NL'), { user: { country: 'BE' } })).toBe(false);
    expect(matches(isIn('user.country', 'NL'), { 'user.country': 'NL' })).toBe(true);
  });

  it('does not match a context that throws, and the next rule is tried', () => {
    const hostile = {
      get country(): string {
        throw new Error('no');
      },
    };
    const rules = [
      { id: 'one', when: IS_NL, value: 1 },
      { id: 'two', when: EVERYONE, value: 2 },
    ];
    expect(run({ rules, defaultValue: 0 }, hostile)).toEqual({
      value: 2,
      source: 'rule',
      matchedRuleId: 'two',
    });
    expect(run({ bucketBy: 'country', rollout: to([1, 100]), defaultValue: 0 }, hostile)).toEqual({
      value: 0,
      source: 'default',
    });
  });

  it('comes before those after it, of either kind', () => {
    const rules = [
      { id: 'one', when: { not: IS_NL }, value: 1 },
      { id: 'two', when: IS_NL, value: 2 },
      { id: 'three', when: EVERYONE, value: 3 },
    ];
    const idFor = (country: string) =>
      (run({ rules, defaultValue: 0 }, { country }) as { matchedRuleId: string }).matchedRuleId;
    expect(['BE', 'NL'].map(idFor)).toEqual(['one', 'two']);
  });
});

describe('the bucket', () => {
  const bucketOf = (cohort: Record<string, unknown>, userId = 'user-1'): unknown =>
    (run({ defaultValue: 0, ...cohort }, { userId, email: 'a@shop.test' }) as { rolloutBucket: unknown })
      .rolloutBucket;
  const rollout = to([1, 100]);

  it('depends on the salt and attribute of the rollout, else of the cohort, else on the key and the user', () => {
    const own = bucketOf({ rollout: { ...rollout, salt: 'salt' } });
    expect(bucketOf({ salt: 'salt', rollout })).toBe(own);
    expect(bucketOf({ salt: 'other', rollout: { ...rollout, salt: 'salt' } })).toBe(own);
    expect(bucketOf({ salt: 'flag', rollout })).toBe(bucketOf({ rollout }));
    expect(bucketOf({ bucketBy: 'email', rollout })).toBe(bucketOf({ rollout }, 'a@shop.test'));
    expect(bucketOf({ bucketBy: 'x', rollout: { ...rollout, bucketBy: 'email' } })).toBe(
      bucketOf({ rollout }, 'a@shop.test'),
    );
    // Two rollouts of a cohort, of which only one has its own salt.
    const rules = [{ id: 'r', when: IS_NL, rollout: { ...rollout, salt: 'salt' } }];
    const both = { rules, rollout, defaultValue: 0 };
    expect(run(both, { userId: 'user-1', country: 'NL' })).toMatchObject({ rolloutBucket: own });
    expect(run(both, { userId: 'user-1' })).toMatchObject({ rolloutBucket: bucketOf({ rollout }) });
  });

  it('is of a string, number or boolean', () => {
    const unit = (value: unknown) => readUnit({ value } as EvaluationContext, parseAttribute('value'));
    expect(['u', 5, -0, true, false].map(unit)).toEqual(['u', '5', '0', 'true', 'false']);
    expect(['', null, undefined, {}, ['u'], 5n].map(unit)).toEqual(Array(6).fill(undefined));
  });

  it('belongs to the first variant that ends after it', () => {
    const variants = [{ end: 0 }, { end: 10 }, { end: 10 }, { end: 20 }];
    expect(
      [0, 9, 10, 19, 20].map((bucket) => variants.indexOf(variantAt(variants, bucket) as never)),
    ).toEqual([1, 1, 3, 3, -1]);
  });
});

it('values that are equal are held once, and -0 apart from 0', () => {
  const rules = [-0, 0, 'a', 'a', 'default'].map((value, index) => ({
    id: `r${index}`,
    when: { attribute: 'n', op: 'in', values: [index] },
    value,
  }));
  const cohort = { rules, defaultValue: 'default' };
  expect(programOf(cohort).values).toEqual(['default', -0, 0, 'a']);
  const valueFor = (n: number) => (run(cohort, { n }) as { value: unknown }).value;
  expect([0, 1, 2, 3, 4, 5].map(valueFor)).toEqual([-0, 0, 'a', 'a', 'default', 'default']);
});

it('the value alone is that of the details, for any cohort and context', () => {
  fc.assert(
    fc.property(stored, context, segments, (value, attributes, all) => {
      const cohort = (value as { $cohort?: unknown } | null)?.$cohort;
      if (typeof cohort !== 'object' || cohort === null) return;
      const program = programOf(cohort as Record<string, unknown>, all);
      expect(evaluateValue(program, attributes)).toBe(evaluateDetails(program, attributes).value);
    }),
    { numRuns: runs(500, 5_000) },
  );
});

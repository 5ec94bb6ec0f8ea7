import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../index.ts';
import { stored as anyStored } from '../test-support/arbitrary-targeting.ts';
import { runs } from '../test-support/runs.ts';
import { parseValues, pathOf, rolloutParts, rulesOf, type ValueParser } from './cohort.ts';
import { compileCohort } from './compile-cohort.ts';
import { CompiledSegments } from './compiled-segments.ts';

type Cohort = Record<string, unknown>;
type Parsed = [stored: JsonValue | undefined, path: string, ruleId: string | undefined];

function record(): { parsed: Parsed[]; parse: ValueParser<unknown> } {
  const parsed: Parsed[] = [];
  const parse: ValueParser<unknown> = (stored, place) => {
    parsed.push([stored, pathOf(place), place.ruleId]);
    return { value: stored, isRefused: false };
  };
  return { parsed, parse };
}

function parsedValues(cohort: Cohort): Parsed[] {
  const { parsed, parse } = record();
  parseValues('flag', cohort, parse);
  return parsed;
}

function parsedByCompiling(cohort: Cohort): Parsed[] {
  const { parsed, parse } = record();
  compileCohort('flag', cohort, { conditions: new CompiledSegments({}), parse });
  return parsed;
}

const rollout = (...values: unknown[]) => ({ variants: values.map((value) => ({ value, weight: 10 })) });

describe('the values of a cohort', () => {
  it('are all parsed, with their places, in the order in which compiling the cohort parses them', () => {
    const cohort = {
      rules: [
        { id: 'one', value: 1 },
        { id: 5, value: 'without an id' },
        { id: 'two', rollout: rollout('a', null) },
        { id: 'malformed', rollout: { variants: [{ value: 'b', weight: 10 }, { value: 'c' }] } },
        { id: 'both', value: 'x', rollout: rollout('y') },
        { id: 'neither' },
        { id: 'null', value: undefined },
      ],
      rollout: rollout('d', 'e'),
      defaultValue: 'default',
    };
    const expected: Parsed[] = [
      ['default', 'defaultValue', undefined],
      [1, 'rules[0].value', 'one'],
      ['a', 'rules[2].rollout.variants[0]', 'two'],
      [null, 'rules[2].rollout.variants[1]', 'two'],
      [null, 'rules[6].value', 'null'],
      ['d', 'rollout.variants[0]', undefined],
      ['e', 'rollout.variants[1]', undefined],
    ];
    expect(parsedValues(cohort)).toEqual(expected);
    expect(parsedByCompiling(cohort)).toEqual(expected);
  });

  it.each<Cohort>([
    {},
    { rules: 'x', rollout: null },
    { rules: [null, [], { id: 'r', rollout: 5 }], rollout: { variants: {} } },
    Object.create({ defaultValue: 1, rules: [{ id: 'r', value: 1 }], rollout: rollout(1) }) as Cohort,
  ])('are only the default in a malformed cohort, which may be missing (%#)', (cohort) => {
    const expected = [[undefined, 'defaultValue', undefined]];
    expect([parsedValues(cohort), parsedByCompiling(cohort)]).toEqual([expected, expected]);
  });

  it('are the same for any cohort, whether it is compiled or only parsed', () => {
    fc.assert(
      fc.property(anyStored, (value) => {
        const cohort = (value as { $cohort?: unknown } | null)?.$cohort;
        if (typeof cohort !== 'object' || cohort === null) return;
        expect(parsedValues(cohort as Cohort)).toEqual(parsedByCompiling(cohort as Cohort));
      }),
      { numRuns: runs(500, 5_000) },
    );
  });
});

describe('a rollout', () => {
  const cohort = { bucketBy: 'userId', salt: 'flag' };
  const variant = (weight: unknown) => ({ value: 1, weight });

  it('inherits what it does not set from its cohort, and ends its variants at hundredths of a percent', () => {
    const variants = [variant(33.335), variant(0), variant(50)];
    expect(rolloutParts({ variants }, cohort)).toEqual({
      ...cohort,
      variants: [3334, 3334, 8334].map((end) => ({ stored: 1, end })),
    });
    expect(rolloutParts({ variants: [], bucketBy: 'email', salt: '' }, cohort)).toEqual({
      bucketBy: 'email',
      salt: '',
      variants: [],
    });
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['no variants', {}],
    ['variants that are an object', { variants: {} }],
    ['another type of bucketBy', { variants: [], bucketBy: 5 }],
    ['another type of salt', { variants: [], salt: 5 }],
    ['a variant that is a list', { variants: [[]] }],
    ['a variant without a value', { variants: [{ weight: 1 }] }],
    ['a variant without a weight', { variants: [{ value: 1 }] }],
    ['a weight that is a string', { variants: [variant('1')] }],
    ['a weight below 0', { variants: [variant(-0.001)] }],
    ['a weight above 100', { variants: [variant(100.001)] }],
    ['a weight that is not a number', { variants: [variant(Number.NaN)] }],
    ['inherited variants', Object.create({ variants: [] })],
    ['an inherited value', { variants: [Object.create({ value: 1, weight: 1 })] }],
  ])('is malformed with %s', (_name, stored) => {
    expect(rolloutParts(stored, cohort)).toBeUndefined();
  });

  it('may have weights from 0 to 100', () => {
    expect(rolloutParts({ variants: [variant(0), variant(100)] }, cohort)?.variants).toHaveLength(2);
  });
});

it('rules that are not a list are none', () => {
  for (const rules of [undefined, null, 'x', { 0: {} }]) expect(rulesOf({ rules })).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { type Condition, compile, compileSegments, type Segments } from '../index.ts';
import { slowEvaluate } from '../test-support/slow-interpreter.ts';

const inCountry = (country: string): Condition => ({ attribute: 'country', op: 'in', values: [country] });
const flagFor = (when: Condition) => ({
  $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false },
});
/** Segments of which each negates the one before. */
const chain = (length: number): Segments =>
  Object.fromEntries(
    Array.from({ length }, (_, index): [string, Condition] => [
      `s${index}`,
      index === 0 ? inCountry('NL') : { not: { segment: `s${index - 1}` } },
    ]),
  );

describe('segments of which some are replaced', () => {
  it('are compiled again if they were touched, and shared otherwise', () => {
    const first = { kept: inCountry('NL'), touched: inCountry('NL'), gone: inCountry('NL') };
    const before = compileSegments(first);
    const nodes = Object.keys(first).map((segment) => before.compile({ segment }));
    const segments = { kept: inCountry('NL'), touched: inCountry('BE') };
    const after = before.replaced(segments, new Set(['touched', 'gone']));
    expect(after.compile({ segment: 'kept' })).toBe(nodes[0]);
    expect(before.compile({ segment: 'touched' })).toBe(nodes[1]);
    const values = ['kept', 'touched', 'gone'].map(
      (segment) => compile('flag', flagFor({ segment }), after)({ country: 'BE' }).value,
    );
    expect(values).toEqual([false, true, false]);
    expect(['kept', 'gone', 'toString'].map((name) => after.has(name))).toEqual([true, false, false]);
    expect([after.stored('kept'), after.stored('gone'), after.stored('toString')]).toEqual([
      segments.kept,
      undefined,
      undefined,
    ]);
  });
});

describe('a condition with its segments', () => {
  it.each([[[255]], [[100, 200, 255]]])('may have 512 levels (compiled after %j)', (order) => {
    const segments = compileSegments(chain(300));
    // 255 negations have two levels each, and the first segment and the reference to the last have one.
    for (const index of order) expect(segments.isTooLarge({ segment: `s${index}` }), `s${index}`).toBe(false);
    expect(segments.isTooLarge({ segment: 's256' })).toBe(true);
    expect(segments.isTooLarge({ not: { segment: 's255' } })).toBe(true);
    const run = compile('flag', flagFor({ segment: 's255' }), segments);
    expect([run({ country: 'NL' }).value, run({ country: 'BE' }).value]).toEqual([false, true]);
    expect(compile('flag', flagFor({ segment: 's256' }), segments)({ country: 'NL' }).value).toBe(false);
  });

  it('may have any number of conditions side by side at one level', () => {
    const wide: Condition = {
      any: [...Array.from({ length: 2_000 }, () => inCountry('NL')), inCountry('BE')],
    };
    const segments = compileSegments({ wide });
    expect(segments.isTooLarge({ segment: 'wide' })).toBe(false);
    expect(compile('flag', flagFor({ segment: 'wide' }), segments)({ country: 'BE' }).value).toBe(true);
  });

  it('may have 20 000 conditions in segments, and does not count its own', () => {
    const ofSize = (size: number): Condition => ({
      any: Array.from({ length: size - 1 }, () => inCountry('NL')),
    });
    const all = { largest: ofSize(20_000), larger: ofSize(20_001), half: ofSize(10_000), twice: { all: [] } };
    const pair: Condition[] = [{ segment: 'half' }, { segment: 'half' }];
    const own = Array.from({ length: 30_000 }, () => inCountry('NL'));
    const expected = [
      [{ segment: 'largest' }, false],
      [{ segment: 'larger' }, true],
      [{ all: pair }, false],
      [{ all: [...pair, { segment: 'half' }] }, true],
      [{ all: own }, false],
      [{ all: [...pair, ...own] }, false],
    ] as const;
    const shared = compileSegments(all);
    for (const [condition, isTooLarge] of expected) {
      expect(compileSegments(all).isTooLarge(condition)).toBe(isTooLarge);
      expect(shared.isTooLarge(condition)).toBe(isTooLarge);
    }
  });
});

it('a segment counts as much as its own conditions, whatever was compiled before it', () => {
  const wide: Condition = { any: Array.from({ length: 9_000 }, () => inCountry('NL')) };
  const segments = compileSegments({ wide, narrow: inCountry('BE') });
  expect(segments.isTooLarge({ any: [{ segment: 'wide' }, { segment: 'narrow' }] })).toBe(false);
  expect(segments.isTooLarge({ any: Array(10).fill({ segment: 'narrow' }) })).toBe(false);
});

it('a reference that is not a string is false', () => {
  const segments = compileSegments({ 5: { all: [] } });
  const isTrue = (segment: unknown): unknown =>
    compile('flag', flagFor({ segment } as Condition), segments)({}).value;
  expect([isTrue('5'), isTrue(5), isTrue(['5'])]).toEqual([true, false, false]);
});

describe('segments that refer to one another in a cycle', () => {
  const [nl, be, de] = ['NL', 'BE', 'DE'].map(inCountry) as [Condition, Condition, Condition];
  const cycles: Segments[] = [
    { a: { any: [nl, { segment: 'a' }] } },
    { a: { any: [nl, { segment: 'b' }] }, b: { all: [{ not: be }, { not: { segment: 'a' } }] } },
    {
      a: { any: [nl, { segment: 'b' }] },
      b: { any: [be, { segment: 'c' }] },
      c: { any: [{ not: { segment: 'a' } }, { not: { segment: 'b' } }, de] },
    },
    {
      a: { any: [{ segment: 'b' }, { segment: 'c' }] },
      b: { all: [{ not: { segment: 'c' } }, { not: { segment: 'd' } }] },
      c: { not: { segment: 'b' } },
      d: { any: [de, { segment: 'a' }, { segment: 'd' }] },
    },
    // Inside of `a`, `b` is cut at itself by `c`, and at `a` by `d`.
    {
      a: { any: [nl, { segment: 'b' }] },
      b: { any: [{ segment: 'c' }, { segment: 'd' }] },
      c: { any: [de, { segment: 'b' }] },
      d: { any: [be, { segment: 'a' }] },
    },
    // Inside of `a`, `c` is cut at `b` by `d`, and at itself by `e`.
    {
      a: { any: [nl, { segment: 'b' }] },
      b: { any: [be, { segment: 'c' }] },
      c: { any: [{ segment: 'd' }, { segment: 'e' }] },
      d: { any: [de, { segment: 'b' }] },
      e: { any: [{ all: [nl, be] }, { segment: 'c' }] },
    },
  ];

  it.each(cycles.map((segments) => [Object.keys(segments).length, segments] as const))(
    'are cut where a segment comes back, whatever was compiled before (%i)',
    (_, segments) => {
      const names = Object.keys(segments);
      for (const start of names.keys()) {
        const order = [...names.slice(start), ...names.slice(0, start)];
        for (const each of [order, [...order].reverse()]) {
          const shared = compileSegments(segments);
          for (const segment of [...each, ...each]) {
            for (const country of ['NL', 'BE', 'DE', 'FR']) {
              const flag = flagFor({ segment });
              const { value } = compile('flag', flag, shared)({ country });
              const expected = slowEvaluate('flag', flag, { country }, segments).value;
              expect(value, `${segment} of ${each.join()} for ${country}`).toBe(expected);
            }
          }
        }
      }
    },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketOf,
  type Condition,
  compile,
  compileSegments,
  evaluate,
  type JsonValue,
  murmur3,
  type Segments,
} from './index.ts';
import { slowDate, slowEvaluate, slowMurmur3, slowVersionOrder } from './test-support/slow-interpreter.ts';

const NAMES = ['userId', 'plan', 'age', 'tags', 'device.os', 'device', '__proto__', 'toString', 'a.b'];
const SEGMENTS = ['s0', 's1', 's2', 's3', 'missing', 'constructor'];
const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'é',
  'É',
  '日本',
  '🙂',
  'pro',
  'Pro',
  'true',
  '10',
  'user-1',
  '.',
  '^a',
  'b$',
  '(',
  '\\d',
  '\\D',
];
const VERSIONS = [
  '1',
  '1.0',
  '1.0.0',
  '1.0.1',
  '2.0.0-rc.1',
  '2.0.0-rc.11',
  '2.0.0-rc.2',
  '2.0.0-1',
  '2.0.0',
  '2.0.0+b',
  '2-rc',
  '2.0.0-',
  '01.0.0',
  'v1.0.0',
  '1.0.0.0',
  '10.0.0',
  '9007199254740993.0.0',
  '9007199254740992.0.0',
  '1.0.0-0',
  '1.0.0-00',
  '1.0.0--',
  '1.0.0-a.b',
  '1.0.0-a',
];
const DATES = [
  '2026-01-01T00:00:00Z',
  '2026-01-01T01:00:00+01:00',
  '2025-12-31T23:59:59.999Z',
  '2026-01-01t00:00:00z',
  '2024-02-29T12:00:00Z',
  '2025-02-29T12:00:00Z',
  '2026-01-01',
  '2026-01-01T00:00Z',
  '2026-13-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0050-06-15T12:30:00-08:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00.5+05:30',
];

const scalar = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...VERSIONS),
  fc.constantFrom(...DATES),
  fc.constantFrom(-1, 0, 0.5, 1, 10, 1_767_225_600_000, 1e21, true, false, null),
);
const json = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue> },
);
const attribute = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>({ os: '2.0.0' }, { os: { deep: 1 } }, { b: 'a' }, {}) },
);
const context = fc.dictionary(fc.constantFrom(...NAMES, 'a'), attribute, { maxKeys: 7 });
const operator = fc.constantFrom(
  'in',
  'contains',
  'startsWith',
  'endsWith',
  'matches',
  'lt',
  'lte',
  'gt',
  'gte',
  'before',
  'after',
  'semverEq',
  'semverLt',
  'semverGt',
  'equals',
  'constructor',
);

const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition; leaf: Condition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    tie('leaf'),
    fc.record({ all: fc.array(tie('node'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('node'), { maxLength: 3 }) }),
    fc.record({ not: tie('node') }),
  ),
  leaf: fc.oneof(
    fc.record({ segment: fc.constantFrom(...SEGMENTS) }),
    fc.record({ attribute: fc.constantFrom(...NAMES), op: fc.constant('exists' as const) }),
    fc.record(
      {
        attribute: fc.constantFrom(...NAMES),
        op: operator,
        values: fc.array(scalar, { maxLength: 12 }),
        ignoreCase: fc.boolean(),
      },
      { requiredKeys: ['attribute', 'op', 'values'] },
    ) as fc.Arbitrary<Condition>,
  ),
})).node;

const segments: fc.Arbitrary<Segments> = fc.record({
  s0: condition,
  s1: condition,
  s2: condition,
  s3: condition,
});
const rollout = fc.record(
  {
    // Three of at most a third each never come to more than 100 %.
    variants: fc.array(
      fc.record({ value: json, weight: fc.integer({ min: 0, max: 3333 }).map((weight) => weight / 100) }),
      { maxLength: 3 },
    ),
    bucketBy: fc.constantFrom(...NAMES),
    salt: fc.constantFrom('', 's', 'é🙂', 'ab\ud800'),
  },
  { requiredKeys: ['variants'] },
);
const rule = fc.oneof(
  fc.record({ id: fc.constantFrom('r0', 'r1', 'é'), when: condition, value: json }),
  fc.record({ id: fc.constantFrom('r0', 'r1', 'é'), when: condition, rollout }),
);
const cohort = fc.record(
  {
    rules: fc.array(rule, { maxLength: 4 }),
    rollout,
    bucketBy: fc.constantFrom(...NAMES),
    salt: fc.constant('cohort'),
    defaultValue: json,
  },
  { requiredKeys: ['defaultValue'] },
);
const stored = fc.oneof(
  { weight: 1, arbitrary: json },
  { weight: 9, arbitrary: fc.record({ $cohort: cohort }) as unknown as fc.Arbitrary<JsonValue> },
);

describe('evaluation against a slow interpreter', () => {
  it('agrees on any flag, context and segments, cyclic ones included', () => {
    fc.assert(
      fc.property(
        stored,
        fc.array(context, { minLength: 1, maxLength: 3 }),
        segments,
        (value, contexts, all) => {
          const shared = compileSegments(all);
          const run = compile('flag', value, shared);
          for (const subject of contexts) {
            const expected = slowEvaluate('flag', value, subject, all);
            expect(evaluate('flag', value, subject, all)).toStrictEqual(expected);
            expect(run(subject)).toStrictEqual(expected);
          }
          // What one flag has compiled of the segments must not change another's answer.
          for (const name of SEGMENTS) {
            const flag: JsonValue = {
              $cohort: { rules: [{ id: 'r', when: { segment: name }, value: true }], defaultValue: false },
            };
            const [subject = {}] = contexts;
            expect(compile('flag', flag, shared)(subject)).toStrictEqual(
              slowEvaluate('flag', flag, subject, all),
            );
          }
        },
      ),
      { numRuns: 5_000 },
    );
  }, 120_000);

  it('agrees on every pair of versions', () => {
    for (const left of VERSIONS) {
      for (const right of VERSIONS) {
        const order = slowVersionOrder(left, right);
        const holds = (op: string): unknown => decide({ attribute: 'v', op, values: [right] }, { v: left });
        const expected = [order === 0, order !== undefined && order < 0, order !== undefined && order > 0];
        expect([holds('semverEq'), holds('semverLt'), holds('semverGt')], `${left} ${right}`).toStrictEqual(
          expected,
        );
      }
    }
  });

  it('agrees on dates of any year and offset', () => {
    const number = (min: number, max: number, width = 2): fc.Arbitrary<string> =>
      fc.integer({ min, max }).map((value) => String(value).padStart(width, '0'));
    const text = fc
      .tuple(number(0, 9999, 4), number(0, 13), number(0, 32), number(0, 24), number(0, 60), number(0, 59))
      .chain(([year, month, day, hour, minute, second]) =>
        fc
          .tuple(
            fc.constantFrom('', '.5', '.789', '.007'),
            fc.oneof(
              fc.constant('Z'),
              fc
                .tuple(fc.constantFrom('+', '-'), number(0, 23), number(0, 59))
                .map(([sign, h, m]) => `${sign}${h}:${m}`),
            ),
          )
          .map(([fraction, zone]) => `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`),
      );
    fc.assert(
      fc.property(text, (date) => {
        const ms = slowDate(date);
        const at = (op: string, operand: number): unknown =>
          decide({ attribute: 'at', op, values: [operand] }, { at: date });
        const isDate = !Number.isNaN(ms);
        expect([at('before', ms + 1), at('before', ms), at('after', ms), at('after', ms - 1)]).toStrictEqual(
          isDate ? [true, false, false, true] : [false, false, false, false],
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('bucketing', () => {
  it('hashes any text as its UTF-8, lone surrogates as U+FFFD', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(murmur3(value)).toBe(slowMurmur3(value));
      }),
      { numRuns: 2_000 },
    );
    expect(murmur3('a\ud800b')).toBe(murmur3('a\ufffdb'));
    expect(murmur3('\udc00')).toBe(murmur3('\ufffd'));
    expect(murmur3('\ud83d')).not.toBe(murmur3('🙂'));
  });

  it('continues a prepared salt at any offset', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 9 }),
        fc.string({ unit: 'binary', maxLength: 9 }),
        (salt, unit) => {
          expect(bucketOf(salt, unit)).toBe(slowMurmur3(`${salt}:${unit}`) % 10_000);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('spreads ids of any pattern evenly (chi-squared, 99 degrees of freedom)', () => {
    const patterns: ((index: number) => string)[] = [
      (index) => `user-${index}`,
      (index) => String(index),
      (index) => index.toString(16).padStart(32, '0'),
      (index) => `${index}@example.com`,
      (index) => `ünïcode-${index}`,
    ];
    const units = 100_000;
    for (const [position, pattern] of patterns.entries()) {
      const counts = Array<number>(100).fill(0);
      for (let index = 0; index < units; index++) {
        const bin = Math.floor(bucketOf('checkout', pattern(index)) / 100);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      const expected = units / 100;
      const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // The inputs are fixed, so this either holds or not. 148.2 is the 99.9th percentile, 61.1 the 0.1st.
      expect(statistic, `pattern ${position}`).toBeLessThan(148.2);
      expect(statistic, `pattern ${position}`).toBeGreaterThan(61.1);
    }
  });

  it('buckets by independent salts independently', () => {
    let both = 0;
    for (let index = 0; index < 40_000; index++) {
      if (bucketOf('one', `u${index}`) < 5_000 && bucketOf('two', `u${index}`) < 5_000) both++;
    }
    expect(both / 40_000).toBeCloseTo(0.25, 1);
  });

  it('never takes a unit out of a variant whose weight grows', () => {
    const weight = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100);
    fc.assert(
      fc.property(
        weight,
        weight,
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 50 }),
        (one, two, units) => {
          const [small, large] = one < two ? [one, two] : [two, one];
          const isIn = (share: number, unit: string): boolean =>
            evaluate(
              'flag',
              { $cohort: { rollout: { variants: [{ value: true, weight: share }] }, defaultValue: false } },
              { userId: unit },
            ).value === true;
          for (const unit of units) if (isIn(small, unit)) expect(isIn(large, unit)).toBe(true);
        },
      ),
    );
  });

  it('gives everyone a variant at 100 % and no one at 0 %', () => {
    const split = (weights: number[]): JsonValue => ({
      $cohort: {
        rollout: { variants: weights.map((weight, value) => ({ value, weight })) },
        defaultValue: 'none',
      },
    });
    for (let index = 0; index < 5_000; index++) {
      const subject = { userId: `u${index}` };
      expect(evaluate('f', split([33.33, 33.33, 33.34]), subject).source).toBe('rollout');
      expect(evaluate('f', split([0, 0]), subject).value).toBe('none');
      expect(evaluate('f', split([0, 100]), subject).value).toBe(1);
    }
  });
});

function decide(when: unknown, subject: Record<string, unknown>): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, subject).value;
}

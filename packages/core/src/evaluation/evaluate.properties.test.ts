import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, compileSegments, evaluate, type JsonValue } from '../index.ts';
import { context, SEGMENTS, segments, stored, VERSIONS } from '../test-support/arbitrary-targeting.ts';
import { slowDate, slowEvaluate, slowMurmur3, slowVersionOrder } from '../test-support/slow-interpreter.ts';
import { bucketOf, murmur3 } from './bucket.ts';

describe('evaluation against a slow interpreter', () => {
  it('agrees on 100,000 pairs of any flag and context, with any segments, cyclic ones included', () => {
    const contexts = fc.array(context, { minLength: 4, maxLength: 4 });
    let pairs = 0;
    fc.assert(
      fc.property(stored, contexts, segments, (value, subjects, all) => {
        const shared = compileSegments(all);
        const run = compile('flag', value, shared);
        for (const subject of subjects) {
          const expected = slowEvaluate('flag', value, subject, all);
          expectSame(run(subject), expected);
          pairs++;
        }
        const [subject = {}] = subjects;
        expectSame(evaluate('flag', value, subject, all), slowEvaluate('flag', value, subject, all));
        // What one flag has compiled of the segments must not change another's answer.
        for (const name of SEGMENTS) {
          const flag: JsonValue = {
            $cohort: { rules: [{ id: 'r', when: { segment: name }, value: true }], defaultValue: false },
          };
          expectSame(compile('flag', flag, shared)(subject), slowEvaluate('flag', flag, subject, all));
        }
      }),
      { numRuns: 25_000 },
    );
    expect(pairs).toBeGreaterThanOrEqual(100_000);
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

  it('hashes a character of every plane, at any offset of a block', () => {
    for (let point = 0; point <= 0x10ffff; point += 0x3d) {
      for (const before of ['', 'a', 'ab', 'abc']) {
        const text = `${before}${String.fromCodePoint(point)}z`;
        if (murmur3(text) !== slowMurmur3(text))
          expect(murmur3(text), point.toString(16)).toBe(slowMurmur3(text));
      }
    }
    // The first and the last character of each length of UTF-8.
    for (const point of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff]) {
      const text = String.fromCodePoint(point);
      expect(murmur3(text), point.toString(16)).toBe(slowMurmur3(text));
    }
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

  it('owns exactly the buckets of its weights, and leaves the rest to the default', () => {
    const shares = (weights: number[]): number[] => {
      const counts = Array<number>(weights.length + 1).fill(0);
      const run = compile('f', {
        $cohort: {
          rollout: { variants: weights.map((weight, value) => ({ value, weight })), salt: 's' },
          defaultValue: weights.length,
        },
      });
      for (const unit of unitOfBucket) {
        const value = run({ userId: unit }).value as number;
        counts[value] = (counts[value] ?? 0) + 1;
      }
      return counts;
    };
    expect(shares([0])).toEqual([0, 10_000]);
    expect(shares([100])).toEqual([10_000, 0]);
    expect(shares([0.01, 99.99])).toEqual([1, 9_999, 0]);
    expect(shares([33.3, 33.3, 33.3])).toEqual([3_330, 3_330, 3_330, 10]);
    expect(shares([0.29, 0.57, 0.58])).toEqual([29, 57, 58, 9_856]);
    // Finer than a bucket: refused on write, and nobody here.
    expect(shares([0.001])).toEqual([0, 10_000]);
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

/** A unit for every bucket under the salt `s`. */
const unitOfBucket: readonly string[] = (() => {
  const units = Array<string>(10_000);
  for (let index = 0, missing = 10_000; missing > 0; index++) {
    const bucket = bucketOf('s', `u${index}`);
    if (units[bucket] !== undefined) continue;
    units[bucket] = `u${index}`;
    missing--;
  }
  return units;
})();

/** As `toStrictEqual`, which takes too long where it is called so often. */
function expectSame(answer: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(answer, expected)) expect(answer).toStrictEqual(expected);
}

function decide(when: unknown, subject: Record<string, unknown>): unknown {
  const flag = { $cohort: { rules: [{ id: 'r', when, value: true }], defaultValue: false } } as JsonValue;
  return evaluate('flag', flag, subject).value;
}

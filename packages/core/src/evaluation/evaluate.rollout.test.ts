import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, evaluate, type JsonValue } from '../index.ts';
import { bucketOf } from './bucket.ts';

describe('a rollout', () => {
  it('keeps every unit of a variant whose weight grows', () => {
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

  it('gives each variant exactly the buckets of its weight, and the rest the default', () => {
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
    // Less than a bucket: refused on write, and reaches nobody here.
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

/** A unit for every bucket, with the salt `s`. */
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

import { describe, expect, it } from 'vitest';
import { compile, type JsonValue } from '../index.ts';
import { runs } from '../test-support/runs.ts';
import { bucketOf } from './bucket.ts';

const USERS = runs(20_000, 100_000);
/** The 99.9th percentile of chi-squared with one degree of freedom. The inputs are fixed, so the outcome is too. */
const LIMIT = 10.83;

function rollout(key: string, percent: number): (index: number) => boolean {
  const stored: JsonValue = {
    $cohort: { rollout: { variants: [{ value: true, weight: percent }] }, defaultValue: false },
  };
  const run = compile(key, stored);
  return (index) => run({ userId: `user-${index}` }).value === true;
}

function chiSquared(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, count, index) => {
    const expectedCount = expected[index] ?? Number.NaN;
    return sum + (count - expectedCount) ** 2 / expectedCount;
  }, 0);
}

describe('buckets', () => {
  it('are spread evenly for ids of any pattern (chi-squared, 99 degrees of freedom)', () => {
    const patterns: ((index: number) => string)[] = [
      (index) => `user-${index}`,
      (index) => String(index),
      (index) => index.toString(16).padStart(32, '0'),
      (index) => `${index}@example.com`,
      (index) => `ünïcode-${index}`,
    ];
    const units = runs(20_000, 100_000);
    for (const [position, pattern] of patterns.entries()) {
      const counts = Array<number>(100).fill(0);
      for (let index = 0; index < units; index++) {
        const bin = Math.floor(bucketOf('checkout', pattern(index)) / 100);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      const expected = units / 100;
      const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // The inputs are fixed, so the outcome is too. 148.2 is the 99.9th percentile, 61.1 the 0.1st.
      expect(statistic, `pattern ${position}`).toBeLessThan(148.2);
      expect(statistic, `pattern ${position}`).toBeGreaterThan(61.1);
    }
  });

  it('are independent under different salts', () => {
    const units = 40_000;
    let both = 0;
    for (let index = 0; index < units; index++) {
      if (bucketOf('one', `u${index}`) < 5_000 && bucketOf('two', `u${index}`) < 5_000) both++;
    }
    expect(both / units).toBeCloseTo(0.25, 1);
  });
});

describe('a rollout over many users', () => {
  it.each([1, 10, 33.33, 50])('reaches %d %% of them', (percent) => {
    for (const key of ['newCheckout', 'freeShipping', 'darkMode', 'search-v2']) {
      const isIn = rollout(key, percent);
      let inside = 0;
      for (let index = 0; index < USERS; index++) if (isIn(index)) inside++;
      const expected = (USERS * percent) / 100;
      const statistic = chiSquared([inside, USERS - inside], [expected, USERS - expected]);
      expect(statistic, `${key}: ${inside}`).toBeLessThan(LIMIT);
    }
  });

  it.each([
    [50, 50],
    [10, 50],
    [33.33, 10],
  ])('is independent of that of another flag: %d %% and %d %%', (first, second) => {
    const [one, two] = [rollout('newCheckout', first), rollout('freeShipping', second)];
    // both, only the first, only the second, neither
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < USERS; index++) {
      const group = (one(index) ? 0 : 2) + (two(index) ? 0 : 1);
      counts[group] = (counts[group] ?? 0) + 1;
    }
    const [both = 0, onlyOne = 0, onlyTwo = 0, neither = 0] = counts;
    const [ones, twos] = [(both + onlyOne) / USERS, (both + onlyTwo) / USERS];
    const expected = [ones * twos, ones * (1 - twos), (1 - ones) * twos, (1 - ones) * (1 - twos)].map(
      (share) => share * USERS,
    );
    expect(chiSquared([both, onlyOne, onlyTwo, neither], expected)).toBeLessThan(LIMIT);
  });

  it('keeps all users of the first 10 % when it is raised to 20 %', () => {
    const [tenth, fifth] = [rollout('newCheckout', 10), rollout('newCheckout', 20)];
    let inside = 0;
    let lost = 0;
    for (let index = 0; index < USERS; index++) {
      if (!tenth(index)) continue;
      inside++;
      if (!fifth(index)) lost++;
    }
    expect(inside).toBeGreaterThan(0.09 * USERS);
    expect(lost).toBe(0);
  });
});

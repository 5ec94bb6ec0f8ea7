import { describe, expect, it } from 'vitest';
import { compile, type JsonValue } from '../index.ts';

const USERS = 100_000;
/** The 99.9th percentile of chi-squared with one degree of freedom; the inputs are fixed, so it holds or it does not. */
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
    const wanted = expected[index] ?? Number.NaN;
    return sum + (count - wanted) ** 2 / wanted;
  }, 0);
}

describe('a rollout over 100,000 users', () => {
  it.each([1, 10, 33.33, 50])('gives %d %% of them', (percent) => {
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
  ])('deals two flags of %d %% and %d %% independently', (first, second) => {
    const [one, two] = [rollout('newCheckout', first), rollout('freeShipping', second)];
    // both, only the first, only the second, neither
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < USERS; index++) {
      const place = (one(index) ? 0 : 2) + (two(index) ? 0 : 1);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    const [both = 0, onlyOne = 0, onlyTwo = 0, neither = 0] = counts;
    const [ones, twos] = [(both + onlyOne) / USERS, (both + onlyTwo) / USERS];
    const expected = [ones * twos, ones * (1 - twos), (1 - ones) * twos, (1 - ones) * (1 - twos)].map(
      (share) => share * USERS,
    );
    expect(chiSquared([both, onlyOne, onlyTwo, neither], expected)).toBeLessThan(LIMIT);
  });

  it('keeps every user of the first 10 % when it is raised to 20 %', () => {
    const [tenth, fifth] = [rollout('newCheckout', 10), rollout('newCheckout', 20)];
    let inside = 0;
    let lost = 0;
    for (let index = 0; index < USERS; index++) {
      if (!tenth(index)) continue;
      inside++;
      if (!fifth(index)) lost++;
    }
    expect(inside).toBeGreaterThan(9_000);
    expect(lost).toBe(0);
  });
});

import { expect, it } from 'vitest';
import { measureTypes } from '../../scripts/measure-types.mjs';
import { runs } from '../test-support/runs.ts';

it('costs tsc about as much per key in a large schema as in a small one', { timeout: 180_000 }, async () => {
  const sizes = [8, 50, runs(50, 250), runs(150, 500)];
  const results = new Map(
    await Promise.all([...new Set(sizes)].map(async (keys) => [keys, await measureTypes(keys)] as const)),
  );
  const instantiations = (keys = 0): number => results.get(keys)?.instantiations ?? Number.NaN;
  // With type errors, tsc would count something else than for a user.
  expect([...results.values()].flatMap(({ errors }) => errors)).toEqual([]);
  const perKey = (from = 0, to = 0): number => (instantiations(to) - instantiations(from)) / (to - from);
  const [none, few, some, many] = sizes;
  const early = perKey(none, few);
  expect(early).toBeGreaterThan(100);
  expect(perKey(some, many)).toBeLessThan(1.25 * early);
});

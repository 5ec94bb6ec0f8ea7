import { expect, it } from 'vitest';
import { measureTypes } from '../../scripts/measure-types.mjs';

it('costs tsc about as much for the five-hundredth key as for the fiftieth', {
  timeout: 180_000,
}, async () => {
  const [none, few, some, many] = [
    await measureTypes(8),
    await measureTypes(50),
    await measureTypes(250),
    await measureTypes(500),
  ];
  // Otherwise what is counted is not what a user has.
  expect([none, few, some, many].flatMap(({ errors }) => errors)).toEqual([]);
  const early = (few.instantiations - none.instantiations) / 42;
  const late = (many.instantiations - some.instantiations) / 250;
  expect(early).toBeGreaterThan(100);
  expect(late).toBeLessThan(1.25 * early);
});

import { expect, it } from 'vitest';
import { fuzzSchemas } from '../test-support/schema-fuzz.ts';

it('200 random schema documents and their values cause no failure and show no secret', async () => {
  const { accepted, values } = await fuzzSchemas(200);
  // Otherwise the generator only makes what is refused at once.
  expect(accepted).toBeGreaterThan(20);
  expect(values).toBeGreaterThan(20);
});

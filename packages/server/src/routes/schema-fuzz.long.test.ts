import { expect, it } from 'vitest';
import { fuzzSchemas } from '../test-support/schema-fuzz.ts';

it('20,000 random schema documents and their values cause no failure and show no secret', async () => {
  const { documents, accepted, values } = await fuzzSchemas(20_000);
  expect(documents).toBe(20_000);
  expect(accepted).toBeGreaterThan(2_000);
  expect(values).toBeGreaterThan(2_000);
}, 3_600_000);

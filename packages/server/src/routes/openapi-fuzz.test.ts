import { expect, it } from 'vitest';
import { fuzzOpenapi } from '../test-support/openapi-fuzz.ts';

it('500 requests generated from /openapi.json get no 5xx and only what it describes', async () => {
  const { requests, succeeded, refused } = await fuzzOpenapi(500);
  expect(requests).toBe(500);
  // Otherwise the generator only makes what is refused at once.
  expect(succeeded.size).toBeGreaterThan(25);
  expect(refused.size).toBeGreaterThan(20);
}, 600_000);

import { expect, it } from 'vitest';
import { fuzzOpenapi } from '../test-support/openapi-fuzz.ts';

it('10,000 requests generated from /openapi.json get no 5xx and only what it describes', async () => {
  const { requests, succeeded, operationIds } = await fuzzOpenapi(10_000);
  expect(requests).toBe(10_000);
  expect(operationIds.filter((id) => !succeeded.has(id))).toEqual([]);
}, 3_600_000);

import { beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../test-support/postgres.ts';
import { startReplicas } from '../test-support/replicas.ts';
import { startShop } from '../test-support/shop-server.ts';
import { fuzzStreams } from '../test-support/stream-fuzz.ts';

const RUNS = 25;
const TIMEOUT_MS = 3_600_000;
const EQUALS = 'what each client of a stream has equals what it would read afresh';

it(
  EQUALS,
  async () => {
    expect(await fuzzStreams([await startShop()], RUNS)).toBeGreaterThanOrEqual(RUNS);
  },
  TIMEOUT_MS,
);

describe.skipIf(!hasPostgres)('with three servers on PostgreSQL (left out if it is not installed)', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    return () => postgres.remove();
  });

  it(
    EQUALS,
    async () => {
      const { shops } = await startReplicas(postgres, { count: 3 });
      expect(await fuzzStreams(shops, RUNS)).toBeGreaterThanOrEqual(RUNS);
    },
    TIMEOUT_MS,
  );
});

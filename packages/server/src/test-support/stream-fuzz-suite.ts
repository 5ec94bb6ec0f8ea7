import { beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from './postgres.ts';
import { startReplicas } from './replicas.ts';
import { startShop } from './shop-server.ts';
import { fuzzStreams } from './stream-fuzz.ts';

const EQUALS = 'what each client of a stream has equals what it would read afresh';

/** Tests `runs` random sequences of writes, with one server on SQLite and with three on PostgreSQL. */
export function testRandomStreams(runs: number, timeoutMs: number): void {
  it(
    EQUALS,
    async () => {
      expect(await fuzzStreams([await startShop()], runs)).toBeGreaterThanOrEqual(runs);
    },
    timeoutMs,
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
        expect(await fuzzStreams(shops, runs)).toBeGreaterThanOrEqual(runs);
      },
      timeoutMs,
    );
  });
}

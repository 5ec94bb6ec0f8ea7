import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventReader } from './test-support/event-reader.ts';
import { hasPostgres, startPostgres, type TestPostgres } from './test-support/postgres.ts';
import { startReplicas } from './test-support/replicas.ts';
import { adminOf, callApi, jsonOf, makeClient, tokenOf } from './test-support/running-server.ts';
import type { Shop } from './test-support/shop-server.ts';

const STREAM = '/stream?environment=development';
/** Generous, because the machine may be busy: nothing waits for it to pass. */
const SOON = { timeout: 30_000, interval: 50 };

async function readiness(shop: Shop): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${shop.server.url}/readyz`);
  return { status: response.status, body: await jsonOf(response) };
}

const lagOf = async (shop: Shop): Promise<number> =>
  Number(((await readiness(shop)).body.database as { lagMs: number }).lagMs);

/** Resolves once the server has looked at the database again: until then, its lag grows. */
async function nextLook(shop: Shop): Promise<void> {
  let last = await lagOf(shop);
  await expect
    .poll(async () => {
      const lag = await lagOf(shop);
      const isNew = lag < last;
      last = lag;
      return isNew;
    }, SOON)
    .toBe(true);
}

const connection = async (shop: Shop): Promise<unknown> => (await readiness(shop)).body.status;

// Each test stops the database, so this file has a PostgreSQL of its own.
describe.skipIf(!hasPostgres)(
  'while PostgreSQL is away (left out if it is not installed)',
  { timeout: 300_000 },
  () => {
    let postgres: TestPostgres;
    beforeAll(async () => {
      postgres = await startPostgres();
      return () => postgres.remove();
    });

    it('reads and streams go on from memory, writes are refused, and all continues by itself', async () => {
      const { shops } = await startReplicas(postgres, { streams: { heartbeatMs: 50 } });
      const [first, second] = shops;
      await first.set('supportEmail', 'before@shop.test');
      await first.set('paymentKey', 'sk_live_1234');
      await expect
        .poll(async () => (await second.ruleset()).secret, SOON)
        .toEqual({ paymentKey: 'sk_live_1234' });
      const stream = await EventReader.open(second, STREAM);
      await stream.next();
      const key = await makeClient(first.server, first.token, {
        type: 'b2m',
        allowedOrigins: ['https://page.test'],
      });
      const page = async (): Promise<number> => {
        const headers = { origin: 'https://page.test' };
        const body = { environment: 'development' };
        const request = { method: 'POST', token: key.publishableKey, headers, body };
        return (await callApi(second.server, '/config/snapshot', request)).status;
      };
      await expect.poll(page, SOON).toBe(200);
      expect(await readiness(second)).toMatchObject({ status: 200, body: { database: { connected: true } } });

      // The look after the last change.
      await nextLook(second);
      await nextLook(second);
      await postgres.halt('immediate');
      await expect.poll(() => connection(second), SOON).toBe('degraded');
      const { status, body } = await readiness(second);
      expect(status).toBe(200);
      expect(body.database).toEqual({ connected: false, lagMs: expect.any(Number) });
      expect((await second.ruleset()).public).toEqual({ supportEmail: 'before@shop.test' });
      expect(await page()).toBe(200);
      // A new token of a known client, which this replica has never verified.
      const token = await tokenOf(second.server, adminOf(first.server));
      expect((await second.call('GET', '/values?environment=development', undefined, { token })).status).toBe(
        200,
      );
      const resumed = await EventReader.open(second, STREAM, { 'last-event-id': '1' });
      expect((await resumed.next()).event).toBe('ruleset');

      const write = second.write({ key: 'supportEmail', value: 'refused@shop.test' });
      const refused = await second.call('PUT', '/values', write);
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('2');
      expect(refused.body.message).toContain('The database cannot be reached');
      expect(refused.text).not.toContain('sk_live');
      const beats = stream.comments.length;
      await expect.poll(() => stream.comments.length, SOON).toBeGreaterThan(beats);

      await postgres.resume();
      const retried = async () =>
        (await first.call('PUT', '/values', first.write({ key: 'supportEmail', value: 'after@shop.test' })))
          .status;
      await expect.poll(retried, SOON).toBe(200);
      expect(await stream.next()).toMatchObject({
        event: 'change',
        data: { changes: [{ key: 'supportEmail', value: 'after@shop.test' }] },
      });
      await expect.poll(() => connection(second), SOON).toBe('ok');
    });

    it('what is too old is not served, and streams end; all continues once it is back', async () => {
      const offlineMs = 600_000;
      const { shops } = await startReplicas(postgres, { timeouts: { offlineMs } });
      const [first] = shops;
      const stream = await EventReader.open(first, STREAM);
      await stream.next();
      await postgres.halt();
      await expect.poll(() => connection(first), SOON).toBe('degraded');
      const now = performance.now.bind(performance);
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + offlineMs);
      onTestFinished(() => clock.mockRestore());
      await stream.ended();
      const read = () => first.call('GET', '/ruleset?environment=development');
      await expect.poll(async () => (await read()).status, SOON).toBe(503);
      expect((await readiness(first)).status).toBe(503);
      expect((await read()).headers.get('retry-after')).toBe('2');
      await postgres.resume();
      await expect.poll(async () => (await read()).status, SOON).toBe(200);
      await expect.poll(async () => (await readiness(first)).status, SOON).toBe(200);
    });
  },
);

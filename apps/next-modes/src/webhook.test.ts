import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtApp, patient, polling } from './built-app.ts';
import { WebhookGate } from './webhook-gate.ts';

const secret = 'a-secret-of-the-tests';
let gate: WebhookGate;

beforeAll(async () => {
  gate = await WebhookGate.start();
});

afterAll(() => gate?.close());

const shop = builtApp('cached', () => [{ url: gate.url, secret, environments: ['production'] }]);

it("makes a page of 'use cache' new in a process without a client, by a webhook of the config server", async () => {
  const page = async (): Promise<string> => (await shop.app.get('/cached')).text;
  await shop.start({ SMOOAI_CONFIG_REVALIDATE_SECRET: secret, SHOP_FOLLOWS: '0' });
  expect(await page()).toContain('development@shop.example');
  await shop.server.set('production', 'public', ['supportEmail', 'webhook@shop.example']);
  // The config server has tried since, and the process still knows nothing.
  const before = gate.refused;
  await expect.poll(() => gate.refused, patient).toBeGreaterThan(before);
  expect(await page()).toContain('development@shop.example');
  expect(gate.statuses).toEqual([]);

  gate.open(`${shop.app.url}/api/config/stream`);
  await expect.poll(page, patient).toContain('webhook@shop.example');
  // The page is new before the response: the client that the webhook starts has expired it already.
  await expect.poll(() => gate.statuses[0], polling).toBe(204);
});

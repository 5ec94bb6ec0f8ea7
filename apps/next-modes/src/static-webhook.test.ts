import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { builtApp, patient, polling } from './built-app.ts';
import { StreamHolder } from './stream-holder.ts';
import { WebhookGate } from './webhook-gate.ts';

const secret = 'a-secret-of-the-tests';
const STREAM = '/api/config/stream';
let gate: WebhookGate;

beforeAll(async () => {
  gate = await WebhookGate.start();
});

afterAll(() => gate?.close());

const shop = builtApp('classic', () => [{ url: gate.url, secret, environments: ['production'] }]);
const page = async (path: string): Promise<string> => (await shop.app.get(path)).text;
const setEmail = (email: string): Promise<void> =>
  shop.server.set('production', 'public', ['supportEmail', email]);

it('static pages follow a webhook of the config server in a process that has no client', async () => {
  await shop.start({ SMOOAI_CONFIG_REVALIDATE_SECRET: secret, SHOP_FOLLOWS: '0' });
  expect(await page('/isr/hourly')).toContain('isr: development@shop.example');
  await setEmail('webhook@shop.example');
  const { refused } = gate;
  await expect.poll(() => gate.refused, patient).toBeGreaterThan(refused);
  expect(await page('/isr/hourly')).toContain('isr: development@shop.example');
  expect(gate.statuses).toEqual([]);
  gate.open(`${shop.app.url}${STREAM}`);
  await expect.poll(() => page('/isr/hourly'), patient).toContain('isr: webhook@shop.example');
  await expect.poll(() => page('/force-static'), patient).toContain('static: webhook@shop.example');
  // The page is new before the response: the client that the webhook starts has expired it already.
  await expect.poll(() => gate.statuses[0], polling).toBe(204);
});

it('a webhook that arrives before the stream brings its change does not store the old value again', async () => {
  const target = shop.server.env('production').SMOOAI_CONFIG_API_URL ?? '';
  const holder = await StreamHolder.start(target);
  onTestFinished(() => holder.close());
  await shop.start({ SMOOAI_CONFIG_REVALIDATE_SECRET: secret, SMOOAI_CONFIG_API_URL: holder.url(target) });
  gate.open(`${shop.app.url}${STREAM}`);
  await expect.poll(() => page('/force-static'), polling).toContain('static: webhook@shop.example');
  await expect.poll(() => page('/server'), polling).toContain('server: stable');

  holder.isHolding = true;
  await setEmail('late@shop.example');
  await expect.poll(() => page('/force-static'), patient).toContain('static: late@shop.example');
});

import { describe, expect, it } from 'vitest';
import { builtApp, polling } from './built-app.ts';

const secret = 'a-secret-of-the-tests';

describe('static pages of an app without cacheComponents', () => {
  const shop = builtApp('classic');
  const { app } = shop;
  const page = async (path: string): Promise<string> => (await app.get(path)).text;
  const entry = async (): Promise<string | undefined> =>
    /entry: ([\w-]+)/.exec(await page('/force-static'))?.[1];

  it('show values of the environment that the app runs in, also those that the build has rendered', async () => {
    await shop.start();
    await expect.poll(() => page('/force-static'), polling).toContain('static: production@shop.example');
    await expect.poll(() => page('/isr/hourly'), polling).toContain('isr: production@shop.example');
    expect(await page('/force-static')).toContain('a key of 13 characters');
  });

  it('follow a change, with and without a period, and so does a route handler', async () => {
    await shop.start();
    await shop.server.set('production', 'public', ['supportEmail', 'changed@shop.example']);
    await expect.poll(() => page('/force-static'), polling).toContain('static: changed@shop.example');
    await expect.poll(() => page('/isr/hourly'), polling).toContain('isr: changed@shop.example');
    await shop.server.set('production', 'limit', ['cartItems', 7]);
    await expect.poll(() => page('/force-static/api'), polling).toBe('static: 7 items');
    await shop.server.set('production', 'limit', ['cartItems', 20]);
    await expect.poll(() => page('/force-static/api'), polling).toBe('static: 20 items');
    await shop.server.set('production', 'public', ['supportEmail', 'production@shop.example']);
    await expect.poll(() => page('/force-static'), polling).toContain('static: production@shop.example');
  });

  it('expire by a key, for a caller that knows the secret', async () => {
    await shop.start({ SMOOAI_CONFIG_REVALIDATE_SECRET: secret });
    await expect.poll(() => page('/force-static'), polling).toContain('static: production@shop.example');
    const expire = (key: string, authorization = `Bearer ${secret}`): Promise<number> =>
      app.post('/api/config/stream', JSON.stringify({ keys: [key] }), { authorization });
    const keepsEntryWithout = async (key: string): Promise<boolean> => {
      const before = await entry();
      expect(await expire(key)).toBe(204);
      return (await entry()) === before;
    };
    expect(await expire('newCheckout', `Bearer ${secret}s`)).toBe(403);
    // Not at once: all entries expire when a process has started.
    await expect.poll(() => keepsEntryWithout('theme'), polling).toBe(true);
    expect(await keepsEntryWithout('newCheckout')).toBe(false);
  });
});

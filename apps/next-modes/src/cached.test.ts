import { describe, expect, inject, it } from 'vitest';
import { builtApp, polling } from './built-app.ts';
import { NextApp } from './next-app.ts';
import { routesIn } from './routes.ts';

/** A server that does not respond. */
const down = { SMOOAI_CONFIG_API_URL: 'http://127.0.0.1:9' };

describe('an app with cacheComponents', () => {
  const shop = builtApp('cached');
  const { app } = shop;

  it('builds, with a static page for each mode that allows it', () => {
    expect(shop.build.output).toContain('Generating static pages');
    expect(shop.build.code).toBe(0);
    expect(routesIn(shop.build.output)).toEqual({
      '/': 'partial',
      '/both': 'partial',
      '/cached': 'static',
      '/cached/both': 'partial',
      '/cached/client': 'static',
      '/plain': 'static',
      '/server': 'partial',
      '/api/config/stream': 'dynamic',
      '/api/flag': 'dynamic',
      '/api/streams': 'dynamic',
    });
  });

  it("shows values of the environment that it runs in, also those that the build stored in 'use cache'", async () => {
    await shop.start();
    await expect
      .poll(async () => (await app.get('/cached')).text, polling)
      .toContain('production@shop.example');
    const { text } = await app.get('/cached');
    expect(text).toContain('cached: old, 20, production@shop.example');
    expect(text).toContain('given: true');
    expect(text).toMatch(/targeted: flag: "betaShop" is targeted/);
    expect(text).toMatch(/secret: secret: "paymentKey" is a secret/);
    expect(text).not.toContain('payment-key-1');
  });

  it("follows a change inside 'use cache'", async () => {
    await shop.start();
    await shop.server.set('production', 'feature_flag', ['newCheckout', true]);
    await expect.poll(async () => (await app.get('/cached')).text, polling).toContain('cached: new');
    await shop.server.set('production', 'feature_flag', ['newCheckout', false]);
    await expect.poll(async () => (await app.get('/cached')).text, polling).toContain('cached: old');
  });

  it("expires entries of 'use cache' by a key, for a caller that knows the secret", async () => {
    const secret = 'a-secret-of-the-tests';
    await shop.start({ SMOOAI_CONFIG_REVALIDATE_SECRET: secret });
    const page = async (): Promise<string> => (await app.get('/cached')).text;
    const entry = async (): Promise<string | undefined> => /entry: ([\w-]+)/.exec(await page())?.[1];
    await expect.poll(page, polling).toContain('production@shop.example');
    const expire = (key: string, authorization: string): Promise<number> =>
      app.post('/api/config/stream', JSON.stringify({ keys: [key] }), { authorization });
    expect(await expire('newCheckout', '')).toBe(401);
    expect(await expire('newCheckout', `Bearer ${secret}s`)).toBe(403);
    const keepsEntryWithout = async (key: string): Promise<boolean> => {
      const old = await entry();
      expect(await expire(key, `Bearer ${secret}`)).toBe(204);
      return (await entry()) === old;
    };
    // Not at once: all entries expire when a process has started.
    await expect.poll(() => keepsEntryWithout('theme'), polling).toBe(true);
    const before = await entry();
    expect(await expire('newCheckout', `Bearer ${secret}`)).toBe(204);
    await expect.poll(entry, polling).not.toBe(before);
  });

  it("stores nothing of 'use cache: private' for the next request", async () => {
    await shop.start();
    const page = async (): Promise<string> => (await app.get('/server', 'beta-user')).text;
    expect(await page()).toContain('private: beta, light');
    expect((await app.get('/server')).text).toContain('private: stable, light');
    expect(await page()).toMatch(/private and targeted: flag: "betaShop" is targeted/);
    expect(await page()).toMatch(/private and secret: secret: "paymentKey" is a secret/);
    await shop.server.set('production', 'feature_flag', ['theme', 'dark']);
    await expect.poll(page, polling).toContain('private: beta, dark');
    await shop.server.set('production', 'feature_flag', ['theme', 'light']);
    await expect.poll(page, polling).toContain('private: beta, light');
  });

  it('renders a static shell, and the values of the visitor in its hole', async () => {
    await shop.start();
    const beta = await app.get('/', 'beta-user');
    expect(beta.text).toContain('static shell');
    expect(beta.text).toContain('client: beta with 20 items');
    expect((await app.get('/', 'someone')).text).toContain('client: stable with 20 items');
    const { text } = await app.get('/server', 'beta-user');
    expect(text).toContain('server: beta, light, production@shop.example');
    expect(text).toContain('private: beta');
  });

  it('never shows a visitor the values of another one', async () => {
    await shop.start();
    const paths = ['/server', '/', '/api/flag'];
    const visits = Array.from({ length: 1_000 }, (_, visit) => ({
      userId: visit % 3 === 0 ? 'beta-user' : `user-${visit}`,
      path: paths[visit % 2] ?? '/',
    }));
    const wrong: unknown[] = [];
    const visitor = async (): Promise<void> => {
      for (let visit = visits.pop(); visit !== undefined; visit = visits.pop()) {
        const { text } = await app.get(visit.path, visit.userId);
        const isBeta = visit.userId === 'beta-user';
        if (/\bbeta\b/.test(text.replaceAll('betaShop', '')) !== isBeta) wrong.push(visit);
      }
    };
    await Promise.all(Array.from({ length: 50 }, visitor));
    expect(wrong).toEqual([]);
  });

  it('renders what needs no values while the server is down', async () => {
    await shop.start(down);
    expect((await app.get('/plain')).text).toContain('plain page');
    const shell = await app.get('/');
    expect(shell.status).toBe(200);
    expect(shell.text).toContain('static shell');
    expect(shell.text).toContain('client: stable');
    const failed = await app.get('/server');
    expect(failed.status).toBe(200);
    expect(failed.text).toContain('Static heading');
    await expect.poll(() => app.output, polling).toContain('ConfigRoot has no values yet');
  });

  it('renders bundled values while the server is down', async () => {
    await shop.start({ ...down, SHOP_BUNDLED: '1' });
    expect((await app.get('/server')).text).toContain('server: stable, light, bundled@shop.example');
  });

  it('leaves no secret, credential or rule in a file of the build or of its caches', async () => {
    for (const text of [
      'payment-key-1',
      inject('buildSecret'),
      shop.server.env('production').SMOOAI_CONFIG_CLIENT_SECRET ?? '',
      'beta-testers-rule',
    ]) {
      expect(text).not.toBe('');
      expect(await app.filesWith(text), text).toEqual([]);
    }
  });

  it("does not build 'use cache' without a config server and bundled values, and says what is missing", async () => {
    const { code, output } = await new NextApp('cached', 'own').build({});
    expect(code).toBe(1);
    expect(output).toContain('Missing settings: SMOOAI_CONFIG_API_URL');
    expect(output).not.toMatch(/took more than|timed? ?out/i);
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { builtApp, polling } from './built-app.ts';
import { NextApp } from './next-app.ts';
import { routesIn } from './routes.ts';

describe('an app without cacheComponents', () => {
  const shop = builtApp('classic');
  const { app } = shop;

  it('builds: a page that reads for a visitor is dynamic, and the others stay static', () => {
    expect(shop.build.output).not.toMatch(/node:|Node\.js API/);
    expect(shop.build.code).toBe(0);
    expect(routesIn(shop.build.output)).toEqual({
      '/': 'dynamic',
      '/both': 'dynamic',
      '/client': 'dynamic',
      '/force-static': 'static',
      '/force-static/api': 'static',
      '/force-static/both': 'static',
      '/force-static/client': 'static',
      '/isr': 'static',
      '/isr/both': 'static',
      '/isr/client': 'static',
      '/isr/hourly': 'static',
      '/legacy': 'dynamic',
      '/legacy/both': 'dynamic',
      '/legacy/server': 'dynamic',
      '/plain': 'static',
      '/server': 'dynamic',
      '/api/config/stream': 'dynamic',
      '/api/edge': 'dynamic',
      '/api/streams': 'dynamic',
    });
  });

  it('shows the values of the visitor, in server and client components', async () => {
    await shop.start();
    const beta = await app.get('/', 'beta-user');
    expect(beta.text).toContain('server: beta');
    expect(beta.text).toContain('client: beta with 20 items');
    const other = await app.get('/');
    expect(other.text).toContain('server: stable');
    expect(other.text).toContain('client: stable with 20 items');
  });

  it('shows the values of the process in a page that is rendered again after its period', async () => {
    await shop.start({ SHOP_FOLLOWS: '0' });
    await expect
      .poll(async () => (await app.get('/isr')).text, polling)
      .toContain('isr: production@shop.example');
  });

  it('renders a page of the Pages Router, without the names of secrets in its code', async () => {
    await shop.start();
    expect((await app.get('/legacy', 'beta-user')).text).toContain('client: beta with 20 items');
    expect((await app.get('/legacy')).text).toContain('client: stable with 20 items');
    const withSecrets = await app.filesWith('paymentKey');
    expect(withSecrets.filter((file) => file.includes('/.next/static/'))).toEqual([]);
  });

  it('serves a route of the edge runtime', async () => {
    await shop.start();
    expect(await app.get('/api/edge', 'beta-user')).toEqual({ status: 200, text: 'beta' });
    expect(await app.get('/api/edge')).toEqual({ status: 200, text: 'stable' });
  });

  it("does not catch what Next throws: a redirect by the context's function", async () => {
    await shop.start();
    expect((await app.get('/', 'signed-out')).text).toContain('plain page');
  });

  it('builds and runs with webpack too', async () => {
    const webpack = new NextApp('classic', 'own');
    const { code, output } = await webpack.build(shop.server.env('development'), '--webpack');
    expect(output).toContain('webpack');
    expect(code).toBe(0);
    expect(routesIn(output)).toEqual(routesIn(shop.build.output));
    onTestFinished(async () => void (await webpack.stop()));
    await webpack.start(shop.server.env('production'));
    const { text } = await webpack.get('/', 'beta-user');
    expect(text).toContain('server: beta');
    expect(text).toContain('client: beta with 20 items');
    expect(await webpack.get('/api/edge', 'beta-user')).toEqual({ status: 200, text: 'beta' });
    expect((await webpack.get('/legacy', 'beta-user')).text).toContain('client: beta with 20 items');
  });
});

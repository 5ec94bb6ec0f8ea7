import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { NextApp } from './next-app.ts';
import { routesIn } from './routes.ts';
import { ShopServer } from './shop-server.ts';

const polling = { timeout: 60_000, interval: 250 };

describe('an app without cacheComponents', () => {
  const app = new NextApp('classic');
  const build = inject('builds').classic;
  let server: ShopServer;

  beforeAll(async () => {
    server = await ShopServer.start();
  });

  afterEach(() => app.stop());

  afterAll(async () => {
    await app.stop();
    await server?.close();
  });

  it('builds: a page that reads for a visitor is dynamic, and the others stay static', () => {
    expect(build.output).not.toMatch(/node:|Node\.js API/);
    expect(build.code).toBe(0);
    expect(routesIn(build.output)).toEqual({
      '/': 'dynamic',
      '/both': 'dynamic',
      '/client': 'dynamic',
      '/force-static': 'static',
      '/force-static/both': 'static',
      '/force-static/client': 'static',
      '/isr': 'static',
      '/isr/both': 'static',
      '/isr/client': 'static',
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
    await app.start(server.env('production'));
    const beta = await app.get('/', 'beta-user');
    expect(beta.text).toContain('server: beta');
    expect(beta.text).toContain('client: beta with 20 items');
    const other = await app.get('/');
    expect(other.text).toContain('server: stable');
    expect(other.text).toContain('client: stable with 20 items');
  });

  it('shows the values of the build in a static page, and those of the process once it is rendered again', async () => {
    await app.start(server.env('production'));
    expect((await app.get('/force-static')).text).toContain('static: development@shop.example');
    await expect
      .poll(async () => (await app.get('/isr')).text, polling)
      .toContain('isr: production@shop.example');
  });

  it('renders a page of the Pages Router, without the names of secrets in its code', async () => {
    await app.start(server.env('production'));
    expect((await app.get('/legacy', 'beta-user')).text).toContain('client: beta with 20 items');
    expect((await app.get('/legacy')).text).toContain('client: stable with 20 items');
    const withSecrets = await app.filesWith('paymentKey');
    expect(withSecrets.filter((file) => file.includes('/.next/static/'))).toEqual([]);
  });

  it('serves a route of the edge runtime', async () => {
    await app.start(server.env('production'));
    expect(await app.get('/api/edge', 'beta-user')).toEqual({ status: 200, text: 'beta' });
    expect(await app.get('/api/edge')).toEqual({ status: 200, text: 'stable' });
  });
});

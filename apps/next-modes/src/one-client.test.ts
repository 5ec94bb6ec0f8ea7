import { expect, it, onTestFinished } from 'vitest';
import { builtApp, polling } from './built-app.ts';
import { CountingProxy } from './counting-proxy.ts';

const shop = builtApp('classic');

it.each([
  ['App Router', ['/server', '/legacy/server']],
  ['Pages Router', ['/legacy/server', '/server']],
])('pages of both routers share one client and one stream, if the %s reads first', async (_, paths) => {
  const target = shop.server.env('production').SMOOAI_CONFIG_API_URL ?? '';
  const proxy = await CountingProxy.start(target);
  onTestFinished(() => proxy.close());
  await shop.start({ SMOOAI_CONFIG_API_URL: proxy.url(target), SHOP_FOLLOWS: '0' });
  for (const path of [...paths, ...paths]) {
    expect((await shop.app.get(path, 'beta-user')).text).toContain('server: beta');
  }
  const stream = await fetch(`${shop.app.url}/api/config/stream`, { method: 'HEAD' });
  expect(stream.status).toBe(200);
  await expect.poll(() => proxy.streams.open, polling).toBe(1);
  // A slow machine may have lost and opened it again; a second client would have opened one at the same time.
  expect(proxy.mostStreams).toBe(1);
});

import { expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

it('the requests of a publishable key are limited together, on every route that it may call', async () => {
  const shop = await startShop({ reads: { maxPerAddress: 1 } });
  const origin = 'https://shop.example';
  const { publishableKey: token } = await shop.makeClient({ type: 'b2m', allowedOrigins: [origin] });
  const page = { token, headers: { origin } };
  const environment = 'development';
  const ask = [
    () => shop.call('POST', '/snapshot', { environment }, page),
    () => shop.call('POST', '/limits/cartItems/evaluate', { environment }, page),
    () => shop.call('GET', `/values?environment=${environment}`, undefined, page),
  ];
  for (const send of ask) {
    let refused = await send();
    // The first request, and the first after a minute on a slow machine.
    while (refused.status === 200) refused = await send();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body.message).toMatch(/^This publishable key has sent 1 requests from this address/);
    expect(refused.headers.get('access-control-allow-origin')).toBe(origin);
  }
  expect((await shop.call('POST', '/snapshot', { environment })).status).toBe(200);
});

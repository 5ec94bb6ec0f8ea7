import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

describe('the ruleset', () => {
  it('contains the stored values with their targeting, by tier', async () => {
    const shop = await startShop();
    const targeted = { $cohort: { rules: [], defaultValue: 'dark' } };
    await shop.set('theme', targeted);
    await shop.set('apiBaseUrl', 'https://api.shop.test');
    await shop.set('paymentKey', 'sk_live_12345678');
    await shop.set('cartItems', 5);
    await shop.putSegment('staff', { all: [] });
    expect(await shop.ruleset()).toEqual({
      revision: expect.stringMatching(/^\d+$/),
      epoch: expect.stringMatching(/^[\w-]{10,200}$/),
      environment: 'development',
      public: { apiBaseUrl: 'https://api.shop.test' },
      secret: { paymentKey: 'sk_live_12345678' },
      flags: { theme: targeted },
      limits: { cartItems: 5 },
      segments: { staff: { all: [] } },
    });
  });

  it('is not sent again while its ETag matches', async () => {
    const shop = await startShop();
    const path = '/ruleset?environment=development';
    const first = await shop.call('GET', path);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toBe(`"${(await shop.ruleset()).revision}"`);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    const ask = async (tag: string) =>
      shop.call('GET', path, undefined, { headers: { 'if-none-match': tag } });
    for (const tag of [etag, `W/${etag}`, `"0", ${etag}`, '*', ` ${etag} `]) {
      const response = await ask(tag);
      expect(response.status, tag).toBe(304);
      expect(response.text).toBe('');
      expect(response.headers.get('etag')).toBe(etag);
    }
    for (const tag of ['"0"', etag.slice(1, -1), '', 'W/']) expect((await ask(tag)).status, tag).toBe(200);
    await shop.set('theme', 'dark');
    expect((await ask(etag)).status).toBe(200);
  });

  it('is sent again to a client with the ruleset of another epoch, whatever its ETag', async () => {
    const shop = await startShop();
    const { revision, epoch } = await shop.ruleset();
    const ask = async (known: string) =>
      shop.call('GET', `/ruleset?environment=development&epoch=${known}`, undefined, {
        headers: { 'if-none-match': `"${revision}"` },
      });
    expect((await ask(epoch as unknown as string)).status).toBe(304);
    expect((await ask('of-another-database')).status).toBe(200);
  });

  it('has a new epoch after its environment was deleted and created again', async () => {
    const shop = await startShop();
    await shop.addEnvironment('preview');
    const first = await shop.ruleset('preview');
    await shop.call('DELETE', `/environments/${shop.environments.preview}`);
    await shop.addEnvironment('preview');
    const second = await shop.ruleset('preview');
    expect(second.epoch).not.toBe(first.epoch);
  });
});

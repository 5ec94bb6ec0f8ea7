import { describe, expect, it } from 'vitest';
import { startShop } from '../test-support/shop-server.ts';

const environment = 'development';

describe('evaluation', () => {
  it('returns the default of a key without a value', async () => {
    const shop = await startShop();
    const flag = await shop.call('POST', '/feature-flags/newCheckout/evaluate', { environment, context: {} });
    expect(flag.body).toEqual({ value: false, source: 'default' });
    const limit = await shop.call('POST', '/limits/cartItems/evaluate', { environment });
    expect(limit.body).toEqual({ value: 20, source: 'default' });
    const none = await shop.call('POST', '/feature-flags/banner/evaluate', { environment });
    expect(none.status).toBe(404);
    expect(none.body.message).toContain('no default');
  });

  it('evaluates for the context and ignores further fields', async () => {
    const shop = await startShop();
    const rule = { id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: 50 };
    const rollout = { variants: [{ value: 10, weight: 100 }] };
    await shop.set('cartItems', { $cohort: { rules: [rule], rollout, defaultValue: 1 } });
    const ask = async (context: unknown) =>
      (await shop.call('POST', '/limits/cartItems/evaluate', { environment, context, more: 1 })).body;
    expect(await ask({ country: 'NL' })).toEqual({ value: 50, source: 'rule', matchedRuleId: 'nl' });
    expect(await ask({ userId: 'u1' })).toEqual({
      value: 10,
      source: 'rollout',
      rolloutBucket: expect.any(Number),
    });
    for (const none of [{}, undefined]) expect(await ask(none)).toEqual({ value: 1, source: 'default' });
    await shop.set('newCheckout', true);
    const raw = await shop.call('POST', '/feature-flags/newCheckout/evaluate', { environment, context: {} });
    expect(raw.body).toEqual({ value: true, source: 'raw' });
  });

  it('finds only keys of its tier', async () => {
    const shop = await startShop();
    const paths = [
      '/feature-flags/cartItems/evaluate',
      '/limits/newCheckout/evaluate',
      '/feature-flags/paymentKey/evaluate',
      '/feature-flags/apiBaseUrl/evaluate',
      '/feature-flags/__proto__/evaluate',
      '/limits/constructor/evaluate',
    ];
    for (const path of paths) expect((await shop.call('POST', path, { environment })).status, path).toBe(404);
  });

  it('is for clients that may read the environment, and for publishable keys', async () => {
    const shop = await startShop();
    const ask = async (token: string, name: string, headers: Record<string, string> = {}) => {
      const path = '/feature-flags/newCheckout/evaluate';
      return (await shop.call('POST', path, { environment: name }, { token, headers })).status;
    };
    const origin = 'http://shop.test';
    const { publishableKey } = await shop.makeClient({ type: 'b2m', allowedOrigins: [origin] });
    expect(await ask(publishableKey, environment, { origin })).toBe(200);
    expect(await ask(publishableKey, environment, { origin: 'http://other.test' })).toBe(403);
    expect(await ask(await shop.tokenFor({ scopes: ['config:write'] }), environment)).toBe(403);
    const limited = await shop.tokenFor({ environments: ['staging'] });
    expect([await ask(limited, 'staging'), await ask(limited, environment)]).toEqual([200, 403]);
  });

  it.each(['/feature-flags/newCheckout/evaluate', '/limits/cartItems/evaluate'])(
    'takes a context of 8 KiB: %s',
    async (path) => {
      const shop = await startShop();
      const ask = (bytes: number) => {
        const context = { text: 'x'.repeat(bytes - JSON.stringify({ text: '' }).length) };
        return shop.call('POST', path, { environment, context });
      };
      expect((await ask(8 * 1024)).status).toBe(200);
      const refused = await ask(8 * 1024 + 1);
      expect([refused.status, refused.body.message]).toEqual([413, expect.stringContaining('"context"')]);
    },
  );
});

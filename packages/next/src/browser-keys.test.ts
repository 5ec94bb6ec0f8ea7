import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { createNextConfig } from './server.ts';
import { readEvents } from './test-support/read-events.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';

const request = new Request('https://shop.example/api/config/stream');

describe('browserKeys', () => {
  it('limits snapshots, first events and patches to the chosen keys', async () => {
    const client = createTestClient({ config: shopConfig(), flags: { freeShipping: onlyIn('NL') } });
    const { snapshot, handlers } = createNextConfig({
      client,
      context: () => ({ country: 'NL' }),
      browserKeys: ['freeShipping', 'cartItems'],
    });
    const { flags, limits, public: publicValues } = await snapshot();
    expect([flags.freeShipping?.value, Object.keys(flags)]).toEqual([true, ['freeShipping']]);
    expect(Object.keys(limits)).toEqual(['cartItems']);
    expect(publicValues).toEqual({});

    const events = readEvents(await handlers.GET(request));
    const first = await events.next();
    expect(JSON.stringify(first?.data)).not.toMatch(/theme|newCheckout|supportEmail/);
    client.set({ flags: { newCheckout: true }, limits: { cartItems: 7 } });
    expect(await events.next()).toMatchObject({
      event: 'patch',
      data: { limits: { cartItems: { value: 7 } } },
    });
    client.set({ flags: { theme: 'dark' } });
    client.set({ limits: { cartItems: 8 } });
    const next = await events.next();
    expect(next?.data).toMatchObject({ limits: { cartItems: { value: 8 } } });
    expect(JSON.stringify(next?.data)).not.toMatch(/theme|newCheckout/);
    await events.cancel();
  });
});

describe('flags', () => {
  it('evaluates all keys for one context, in the order of the keys', async () => {
    let calls = 0;
    const client = createTestClient({ config: shopConfig(), flags: { freeShipping: onlyIn('NL') } });
    const context = (): { country: string } => {
      calls++;
      return { country: 'NL' };
    };
    const { flags } = createNextConfig({ client, context });
    const [theme, freeShipping]: ['light' | 'dark', boolean] = await flags(['theme', 'freeShipping']);
    expect([theme, freeShipping]).toEqual(['light', true]);
    expect(calls).toBe(1);
    expect(await flags(['freeShipping'], { country: 'BE' })).toEqual([false]);
  });
});

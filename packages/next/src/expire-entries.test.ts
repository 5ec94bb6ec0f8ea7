import { createTestClient } from '@smooai/config/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { configTag, createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

const HANDLERS = Symbol.for('@next/cache-handlers-set');

afterEach(() => {
  Reflect.deleteProperty(globalThis, HANDLERS);
  vi.restoreAllMocks();
});

const broken: [name: string, updateTags: () => unknown][] = [
  [
    'throws at once',
    () => {
      throw new Error('redis://user:word@cache.internal');
    },
  ],
  ['rejects', () => Promise.reject(new Error('redis://user:word@cache.internal'))],
];

it.each(broken)(
  'a cache handler that %s fails no read, and keeps no other from its tags',
  async (_, updateTags) => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const expired: string[][] = [];
    // A handler of an app may be synchronous.
    const working = { updateTags: (tags: string[]) => void expired.push(tags) };
    Reflect.set(globalThis, HANDLERS, new Set([{ updateTags }, working]));
    const client = createTestClient({ config: shopConfig() });
    const next = createNextConfig({ client });
    expect(await next.flag('newCheckout')).toBe(false);
    client.set({ flags: { newCheckout: true } });
    expect(await next.flag('newCheckout')).toBe(true);
    expect(expired).toEqual([['smooai-config'], [configTag('newCheckout')]]);
    await expect.poll(() => warn.mock.calls).toHaveLength(2);
    expect(warn.mock.calls.flat().join()).toMatch(/could not expire entries/);
    expect(warn.mock.calls.flat().join()).not.toContain('redis');
    await client.close();
  },
);

import { defineConfig } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { configTag, createNextConfig, type NextConfig } from './server.ts';
import { onlyIn, type ShopConfig, shopConfig } from './test-support/shop-config.ts';

const HANDLERS = Symbol.for('@next/cache-handlers-set');
const { fetch } = globalThis;

function newShop(): {
  client: ReturnType<typeof createTestClient<ShopConfig>>;
  config: NextConfig<ShopConfig>;
} {
  const client = createTestClient({ config: shopConfig(), flags: { freeShipping: onlyIn('NL') } });
  return { client, config: createNextConfig({ client }) };
}

/** Renders a page as Next does for a static one. Resolves with the tags of its entry, and what is stored beside it. */
async function render(read: () => Promise<unknown>, page: object = { forceStatic: true }) {
  const stored: unknown[] = [];
  const incrementalCache = {
    generateSimpleCacheKey: async (key: string) => key,
    get: async () => null,
    set: async (_: string, entry: unknown) => void stored.push(entry),
  };
  const work = { page: '/page', route: '/', incrementalCache, ...page };
  const unit = { type: 'prerender-legacy', phase: 'render', revalidate: false, tags: ['_N_T_/page'] };
  await workAsyncStorage.run(work as never, () => workUnitAsyncStorage.run(unit as never, read));
  return { tags: unit.tags.filter((tag) => !tag.startsWith('_N_T_')), stored: JSON.stringify(stored) };
}

beforeEach(() => {
  // As Next's own `fetch` does.
  globalThis.fetch = Object.assign(fetch.bind(undefined), { __nextGetStaticStore: () => workAsyncStorage });
  Reflect.deleteProperty(globalThis, Symbol.for('@smooai/config-next/static-reads'));
});

afterEach(() => {
  globalThis.fetch = fetch;
  Reflect.deleteProperty(globalThis, HANDLERS);
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('the entry of a static page', () => {
  const all = ['supportEmail', 'newCheckout', 'freeShipping', 'theme', 'cartItems'];
  const reads: [name: string, read: (config: NextConfig<ShopConfig>) => Promise<unknown>, keys: string[]][] =
    [
      ['a public value', ({ publicValue }) => publicValue('supportEmail'), ['supportEmail']],
      ['a flag', ({ flag }) => flag('theme'), ['theme']],
      ['a targeted flag', ({ flag }) => flag('freeShipping'), ['freeShipping']],
      ['flags', ({ flags }) => flags(['theme', 'newCheckout']), ['theme', 'newCheckout']],
      ['the details of a flag', ({ flagDetails }) => flagDetails('theme'), ['theme']],
      ['a limit', ({ limit }) => limit('cartItems'), ['cartItems']],
      ['a snapshot', ({ snapshot }) => snapshot(), all],
      ['a secret', ({ secret }) => secret('paymentKey'), []],
    ];

  it.each(reads)('has the tags of %s that it reads, and stores no value', async (_, read, keys) => {
    const { tags, stored } = await render(() => read(newShop().config));
    expect(new Set(tags)).toEqual(new Set(['smooai-config', ...keys.map(configTag)]));
    expect(stored).toContain('"body":"true"');
    expect(stored).not.toMatch(/help@example|sk-default|light|NL/);
  });

  it('has the tags of 200 keys, also of long ones and of those that Next encodes', async () => {
    const names = Array.from({ length: 198 }, (_, index) => `flag${index}`);
    const keys = [...names, '日'.repeat(255), 'k'.repeat(255)];
    const config = defineConfig({
      flags: Object.fromEntries(keys.map((key) => [key, z.boolean().default(false)])),
    });
    const client = createTestClient({ config });
    const { flags, snapshot } = createNextConfig({ client });
    const all = new Set(['smooai-config', ...keys.map(configTag)]);
    for (const read of [() => flags(keys), () => snapshot()]) {
      expect(new Set((await render(read)).tags)).toEqual(all);
    }
    await client.close();
  });

  it.each([
    ['a page that Next renders for each request', {}],
    ['a draft', { forceStatic: true, isDraftMode: true }],
  ])('has no tags for %s', async (_, page) => {
    const read = (): Promise<unknown> =>
      workUnitAsyncStorage.run({ type: 'request', phase: 'render' } as never, () =>
        newShop().config.flag('theme'),
      );
    expect(await render(read, page)).toEqual({ tags: [], stored: '[]' });
  });

  it('has none in development, where pages are rendered for each request', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    expect((await render(() => newShop().config.flag('theme'))).tags).toEqual([]);
  });
});

describe('a change', () => {
  const expired: string[][] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    expired.length = 0;
    Reflect.set(globalThis, HANDLERS, new Set([{ updateTags: (tags: string[]) => void expired.push(tags) }]));
  });

  it('while a page is rendered expires it again, because Next takes it for newer than the change', async () => {
    const { client, config } = newShop();
    await render(() => config.flag('theme'));
    client.set({ flags: { theme: 'dark', newCheckout: true } });
    const both = ['newCheckout', 'theme'].map(configTag);
    expect(expired).toEqual([['smooai-config'], both]);
    await vi.runAllTimersAsync();
    expect(expired.slice(2)).toEqual([[configTag('theme')]]);
  });

  it('long after a rendering expires the page once', async () => {
    const { client, config } = newShop();
    await render(() => config.flag('theme'));
    await vi.advanceTimersByTimeAsync(60_000);
    client.set({ flags: { theme: 'dark' } });
    await vi.runAllTimersAsync();
    expect(expired).toEqual([['smooai-config'], [configTag('theme')]]);
  });

  it('of a closed client expires nothing more', async () => {
    const { client, config } = newShop();
    await render(() => config.flag('theme'));
    client.set({ flags: { theme: 'dark' } });
    await client.close();
    await vi.runAllTimersAsync();
    expect(expired).toHaveLength(2);
  });
});

it('entries of the build expire once Next has created its handlers, also long after the client is ready', async () => {
  vi.useFakeTimers();
  vi.stubEnv('NEXT_RUNTIME', 'nodejs');
  const { client, config } = newShop();
  await config.client();
  await vi.advanceTimersByTimeAsync(3_600_000);
  const updateTags = vi.fn();
  Reflect.set(globalThis, HANDLERS, new Set([{ updateTags }]));
  await vi.runAllTimersAsync();
  expect(updateTags).toHaveBeenCalledExactlyOnceWith(['smooai-config']);
  await client.close();
});

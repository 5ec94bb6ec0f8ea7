import { defineConfig, SettingsError } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { CachedReadError, configTag, createNextConfig, type NextConfig } from './server.ts';
import { inNext } from './test-support/next-render.ts';
import { onlyIn, type ShopConfig, shopConfig } from './test-support/shop-config.ts';

type Read = (config: NextConfig<ShopConfig>) => Promise<unknown>;

const NL = { country: 'NL' };

function targetedConfig(): NextConfig<ShopConfig> {
  const client = createTestClient({ config: shopConfig(), flags: { freeShipping: onlyIn('NL') } });
  const context = (): never => {
    throw new Error("cookies() inside 'use cache'");
  };
  return createNextConfig({ client, context });
}

describe("reads inside 'use cache'", () => {
  beforeEach(() => {
    // Set by Next when it compiles an app with cacheComponents.
    vi.stubEnv('__NEXT_USE_CACHE', 'true');
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const reads: [name: string, read: Read, value: unknown, keys: string[]][] = [
    [
      'a public value',
      ({ publicValue }) => publicValue('supportEmail'),
      'help@example.com',
      ['supportEmail'],
    ],
    ['an untargeted flag', ({ flag }) => flag('theme'), 'light', ['theme']],
    [
      'untargeted flags',
      ({ flags }) => flags(['theme', 'newCheckout']),
      ['light', false],
      ['theme', 'newCheckout'],
    ],
    [
      'the details of a flag',
      async ({ flagDetails }) => (await flagDetails('theme')).source,
      'default',
      ['theme'],
    ],
    ['an untargeted limit', ({ limit }) => limit('cartItems'), 20, ['cartItems']],
    ['a targeted flag for a given context', ({ flag }) => flag('freeShipping', NL), true, ['freeShipping']],
  ];

  it.each(reads)('returns %s, and tags the entry', async (_, read, value, keys) => {
    const tags: string[] = [];
    const result = await inNext('cache', () => read(targetedConfig()), { tags });
    expect(result).toEqual(value);
    expect(new Set(tags)).toEqual(new Set(['smooai-config', ...keys.map(configTag)]));
  });

  it('returns a snapshot for a given context, and tags the entry with all its keys', async () => {
    const tags: string[] = [];
    const snapshot = await inNext('cache', () => targetedConfig().snapshot(NL), { tags });
    expect(snapshot.flags.freeShipping?.value).toBe(true);
    expect(tags).toEqual(
      expect.arrayContaining(['supportEmail', 'freeShipping', 'cartItems'].map(configTag)),
    );
  });

  it('tags an entry with more keys than one call of cacheTag takes', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const names = Array.from({ length: 250 }, (_, index) => `flag${index}`);
    const flags = Object.fromEntries(names.map((name) => [name, z.boolean().default(false)]));
    const config = createNextConfig({ client: createTestClient({ config: defineConfig({ flags }) }) });
    const tags: string[] = [];
    await inNext('cache', () => config.snapshot({}), { tags });
    expect(tags).toEqual(expect.arrayContaining(names.map(configTag)));
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('fails without the stack and the causes of the client, which React would copy and Next would print', async () => {
    const settings = { apiUrl: 'http://127.0.0.1:9', clientId: 'client' };
    const config = createNextConfig({ config: shopConfig(), clientOptions: settings });
    const error = await inNext('cache', () => config.flag('theme')).then(String, (reason: Error) => reason);
    if (!(error instanceof SettingsError)) throw new Error(`No SettingsError: ${error}`);
    expect(error).toMatchObject({ code: 'ERR_SETTINGS_MISSING', message: expect.stringMatching(/^Missing/) });
    expect(error.stack).toBe(`SettingsError: ${error.message}`);
    expect(error).not.toHaveProperty('cause');
  });

  const refused: [name: string, read: Read, message: RegExp][] = [
    ['a secret', ({ secret }) => secret('paymentKey'), /^secret: "paymentKey" .*outside of 'use cache'/],
    [
      'a targeted flag',
      ({ flag }) => flag('freeShipping'),
      /^flag: "freeShipping" is targeted.*pass the context/,
    ],
    ['targeted flags', ({ flags }) => flags(['theme', 'freeShipping']), /^flags: "freeShipping" is targeted/],
    ['a snapshot without a context', ({ snapshot }) => snapshot(), /^snapshot: .*pass a context/],
  ];

  it.each(refused)('refuses %s, and says what to do', async (_, read, message) => {
    const result = inNext('cache', () => read(targetedConfig()));
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toBeInstanceOf(CachedReadError);
  });
});

describe('cached entries', () => {
  const HANDLERS = Symbol.for('@next/cache-handlers-set');

  afterEach(() => {
    Reflect.deleteProperty(globalThis, HANDLERS);
  });

  it('expire with the start of the process, and when one of their keys changes', async () => {
    const expired: string[][] = [];
    const updateTags = (tags: string[]): Promise<void> => {
      expired.push(tags);
      return Promise.reject(new Error('a handler that cannot'));
    };
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    Reflect.set(globalThis, HANDLERS, new Set([{ updateTags }, {}]));
    const client = createTestClient({ config: shopConfig() });
    const config = createNextConfig({ client });
    await config.client();
    await createNextConfig({ client }).client();
    client.set({ flags: { newCheckout: true }, limits: { cartItems: 7 } });
    expect(expired).toEqual([['smooai-config'], ['newCheckout', 'cartItems'].map(configTag)]);
    await expect.poll(() => warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });
});

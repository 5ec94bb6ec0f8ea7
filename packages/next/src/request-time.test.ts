import type { ConfigClient } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { createNextConfig, type NextConfig } from './server.ts';
import { inNext } from './test-support/next-render.ts';
import { type ShopConfig, shopConfig } from './test-support/shop-config.ts';

type Read = (config: NextConfig<ShopConfig>) => Promise<unknown>;

const reads: [name: string, read: Read, value: unknown][] = [
  ['flag', (config) => config.flag('theme'), 'light'],
  ['flag with a context', (config) => config.flag('theme', {}), 'light'],
  ['flagDetails', async (config) => (await config.flagDetails('theme')).value, 'light'],
  ['limit', (config) => config.limit('cartItems'), 20],
  ['publicValue', (config) => config.publicValue('supportEmail'), 'help@example.com'],
  ['secret', (config) => config.secret('paymentKey'), 'sk-default-0000'],
  ['snapshot', async (config) => (await config.snapshot()).flags.theme?.value, 'light'],
  ['snapshot with a context', async (config) => (await config.snapshot({})).flags.theme?.value, 'light'],
];

function countedConfig(): { config: NextConfig<ShopConfig>; asked: () => number } {
  let asked = 0;
  const client: ConfigClient<ShopConfig> = createTestClient({ config: shopConfig() });
  const config = createNextConfig({
    client: () => {
      asked++;
      return client;
    },
  });
  return { config, asked: () => asked };
}

describe.each(reads)('%s', (_, read, value) => {
  it('makes the page dynamic during a build, before it asks for the client', async () => {
    const { config, asked } = countedConfig();
    await expect(inNext('build', () => read(config))).rejects.toMatchObject({
      digest: 'DYNAMIC_SERVER_USAGE',
      message: expect.stringContaining('connection'),
    });
    expect(asked()).toBe(0);
  });

  it('reads during a request, outside of one, and in a build of a page with force-static', async () => {
    const { config } = countedConfig();
    expect(await inNext('request', () => read(config))).toBe(value);
    expect(await read(config)).toBe(value);
    expect(await inNext('build', () => read(config), { forceStatic: true })).toBe(value);
  });

  it("does not hide Next's error in after()", async () => {
    const { config } = countedConfig();
    await expect(inNext('after', () => read(config))).rejects.toThrow(/inside `after\(\)`/);
  });
});

it('client() does not make a page dynamic', async () => {
  const { config, asked } = countedConfig();
  expect((await inNext('build', () => config.client())).flag('theme')).toBe('light');
  expect(asked()).toBe(1);
});

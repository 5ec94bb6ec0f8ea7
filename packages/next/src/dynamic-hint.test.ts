import { createTestClient } from '@smooai/config/testing';
import { workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import { workUnitAsyncStorage } from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

const { flag, flags, snapshot, secret } = createNextConfig({
  client: createTestClient({ config: shopConfig() }),
});

/** Runs a read of a page, as Next does when it renders it for a request. */
function inPage(page: string, read: () => Promise<unknown>, options: object = {}): Promise<unknown> {
  const work = { page, route: page.replace(/\/(?:page|route)$/, '') || '/', ...options };
  const unit = { type: 'request', phase: 'render' };
  return workAsyncStorage.run(work as never, () => workUnitAsyncStorage.run(unit as never, read));
}

describe('in development', () => {
  let info: MockInstance<typeof console.info>;
  const { fetch } = globalThis;

  beforeEach(() => {
    vi.stubEnv('NODE_ENV', 'development');
    info = vi.spyOn(console, 'info').mockReturnValue();
    // As Next's own `fetch` does.
    globalThis.fetch = Object.assign(fetch.bind(undefined), { __nextGetStaticStore: () => workAsyncStorage });
    Reflect.deleteProperty(globalThis, Symbol.for('@smooai/config-next/hinted'));
  });

  afterEach(() => {
    globalThis.fetch = fetch;
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it('one line per route names the read that makes it dynamic, and what to do', async () => {
    await inPage('/offers/page', () => flag('theme'));
    await inPage('/offers/page', () => secret('paymentKey'));
    await inPage('/page', () => snapshot());
    await inPage('/cart/page', () => flags(['theme', 'newCheckout']));
    const lines = info.mock.calls.flat().map(String);
    expect(lines.map((line) => line.split('.')[0])).toEqual([
      "@smooai/config-next: /offers is rendered for each request, because of flag('theme')",
      '@smooai/config-next: / is rendered for each request, because of snapshot()',
      "@smooai/config-next: /cart is rendered for each request, because of flags(['theme', 'newCheckout'])",
    ]);
    expect(lines[0]).toMatch(/set cacheComponents.*export dynamic = 'force-static'/);
  });

  it.each([
    ['in an app with cacheComponents, where Next reports it', '/page', { cacheComponentsEnabled: true }],
    ['in a page that is dynamic on purpose', '/page', { forceDynamic: true }],
    ['in a static page', '/page', { forceStatic: true }],
    ['in a route handler', '/api/offer/route', {}],
  ])('nothing is said %s', async (_, page, options) => {
    await inPage(page, () => flag('theme'), options);
    expect(info).not.toHaveBeenCalled();
  });

  it('nothing is said outside of a page, nor by another `fetch`', async () => {
    await flag('theme');
    globalThis.fetch = fetch;
    await inPage('/page', () => flag('theme'));
    expect(info).not.toHaveBeenCalled();
  });
});

it('nothing is said in production', async () => {
  const info = vi.spyOn(console, 'info').mockReturnValue();
  await inPage('/page', () => flag('theme'));
  expect(info).not.toHaveBeenCalled();
  info.mockRestore();
});

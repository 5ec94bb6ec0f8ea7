import { createTestClient } from '@smooai/config/testing';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { RevalidateSender } from './revalidate-sender.ts';
import { configTag, createNextConfig } from './server.ts';
import { inNext } from './test-support/next-render.ts';
import { serveRoute } from './test-support/route-server.ts';
import { shopConfig } from './test-support/shop-config.ts';

const secret = 'a-secret-of-the-tests';

/** An app that serves `handlers.POST`, and what its requests have revalidated. */
async function startApp(failures: number[] = []) {
  const client = createTestClient({ config: shopConfig() });
  const route = await serveRoute((request) => next.handlers.POST(request), failures);
  const next = createNextConfig({ client, revalidate: { secret, url: route.url } });
  const close = async (): Promise<void> => {
    await client.close();
    route.close();
  };
  return { client, next, url: route.url, revalidated: route.revalidated, statuses: route.statuses, close };
}

/** Sends to an app whose own client sends nothing when a request starts it. */
async function startReceiver(failures: number[] = []) {
  const { handlers } = createNextConfig({
    client: createTestClient({ config: shopConfig() }),
    revalidate: { secret },
  });
  const route = await serveRoute((request) => handlers.POST(request), failures);
  const sender = new RevalidateSender(route.url, secret);
  return { sender, revalidated: route.revalidated, statuses: route.statuses, close: () => route.close() };
}

describe("where Next's cache handlers are not found", () => {
  const HANDLERS = Symbol.for('@next/cache-handlers-set');
  let warn: MockInstance<typeof console.warn>;

  beforeEach(() => {
    warn = vi.spyOn(console, 'warn').mockReturnValue();
  });

  afterEach(() => {
    Reflect.deleteProperty(globalThis, HANDLERS);
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it.each([
    ['there are none', undefined],
    ['those of Next 15 have another method', new Set([{ expireTags: () => undefined }])],
  ])('a change reaches the cache by a request to the own route: %s', async (_, handlers) => {
    if (handlers !== undefined) Reflect.set(globalThis, HANDLERS, handlers);
    const app = await startApp();
    await app.next.client();
    await expect.poll(() => app.revalidated).toEqual([['smooai-config']]);
    app.client.set({ flags: { newCheckout: true } });
    await expect.poll(() => app.revalidated.slice(1)).toEqual([[configTag('newCheckout')]]);
    expect(app.statuses).toEqual([204, 204]);
    expect(warn).not.toHaveBeenCalled();
    await app.close();
  });

  it('a request that failed is sent again, with the changes of the meantime', async () => {
    const app = await startApp([503]);
    await app.next.client();
    // The request that fails is under way.
    app.client.set({ flags: { newCheckout: true } });
    await expect.poll(() => app.revalidated).toEqual([['smooai-config']]);
    expect(app.statuses).toEqual([503, 204]);
    await app.close();
  });

  it('a request that was refused is not repeated, and is reported without the secret', async () => {
    const app = await startApp([403]);
    await app.next.client();
    await expect
      .poll(() => warn.mock.calls.flat().join())
      .toMatch(/REVALIDATE_URL failed: the status was 403/);
    expect(warn.mock.calls.flat().join()).not.toContain(secret);
    // The next request makes up for the refused one.
    app.client.set({ flags: { newCheckout: true } });
    await expect.poll(() => app.revalidated).toEqual([['smooai-config']]);
    app.client.set({ flags: { newCheckout: false } });
    await expect.poll(() => app.revalidated.slice(1)).toEqual([[configTag('newCheckout')]]);
    await app.close();
  });

  it('changes that arrive during a request that is refused are sent after it', async () => {
    const app = await startReceiver([403]);
    app.sender.send(['theme']);
    app.sender.send(['newCheckout']);
    await expect.poll(() => app.revalidated).toEqual([['smooai-config']]);
    expect(app.statuses).toEqual([403, 204]);
    app.close();
  });

  it.each([
    ['more keys', Array.from({ length: 1_001 }, (_, index) => `key${index}`)],
    ['a longer key', ['k'.repeat(201)]],
    ['more bytes', Array.from({ length: 999 }, (_, index) => `${index}${'k'.repeat(190)}`)],
  ])('a change with %s than the route accepts expires all entries', async (_, keys) => {
    const app = await startReceiver();
    app.sender.send(keys);
    await expect.poll(() => app.revalidated).toEqual([['smooai-config']]);
    app.close();
  });

  it('a change with as many keys as the route accepts expires their entries', async () => {
    const app = await startReceiver();
    app.sender.send(Array.from({ length: 1_000 }, (_, index) => `key${index}`));
    await expect.poll(() => app.revalidated[0]?.length).toBe(1_000);
    app.close();
  });

  it('a redirect is reported at once, because it would lose the body', async () => {
    const app = await startReceiver([308]);
    app.sender.send('all');
    await expect.poll(() => warn.mock.calls.flat().join()).toMatch(/status was 308, a redirect: set the URL/);
    app.close();
  });

  it.each(['localhost:3000/api/config/stream', '/api/config/stream', 'file:///etc/hosts'])(
    'a URL that is not one of HTTP is reported at once: %s',
    async (url) => {
      new RevalidateSender(url, secret).send('all');
      await expect.poll(() => warn.mock.calls.flat().join()).toMatch(/must start with http:/);
    },
  );

  it('an app without the URL is told once what to set, if it has cached values', async () => {
    vi.stubEnv('__NEXT_USE_CACHE', 'true');
    const client = createTestClient({ config: shopConfig() });
    const next = createNextConfig({ client });
    await inNext('cache', () => next.flag('theme'));
    client.set({ flags: { theme: 'dark' } });
    client.set({ flags: { theme: 'light' } });
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringMatching(/Set SMOOAI_CONFIG_REVALIDATE_SECRET, and SMOOAI_CONFIG_REVALIDATE_URL/),
    ]);
    await client.close();
  });
});

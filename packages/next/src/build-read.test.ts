import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

const bundled = { defaults: { public: { supportEmail: 'bundled@example.com' } } };
const down = {
  apiUrl: 'http://127.0.0.1:9',
  authUrl: 'http://127.0.0.1:9',
  organizationId: 'organization',
  clientId: 'client',
  clientSecret: 'client-secret',
};

describe('during next build', () => {
  let server: ConfigServer;
  let up: typeof down;

  beforeAll(async () => {
    server = await createConfigServer({ timeouts: { closeMs: 500 } });
    if (server.credentials === undefined) throw new Error('The server has no credentials.');
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
    up = { apiUrl, authUrl, organizationId, clientId, clientSecret };
  });

  beforeEach(() => {
    vi.stubEnv('NEXT_PHASE', 'phase-production-build');
    return () => vi.unstubAllEnvs();
  });

  afterAll(() => server?.close());

  it('reads once, and keeps no connection that would keep the build alive', async () => {
    let calls = 0;
    const fetch: typeof globalThis.fetch = (...input) => {
      calls++;
      return globalThis.fetch(...input);
    };
    const next = createNextConfig({ config: shopConfig(), clientOptions: { ...up, fetch } });
    const client = await next.client();
    expect(client.health().status).toBe('closed');
    const before = calls;
    expect(await Promise.all([next.publicValue('supportEmail'), next.flag('theme')])).toEqual([
      'help@example.com',
      'light',
    ]);
    expect(calls).toBe(before);
  });

  it.each([
    ['without settings', {}],
    ['while the server is down', down],
  ])('uses bundled values %s', async (_, settings) => {
    const clientOptions = { ...settings, bundled };
    const next = createNextConfig({ config: shopConfig(), clientOptions, readyTimeoutMs: 200 });
    expect(await next.publicValue('supportEmail')).toBe('bundled@example.com');
    expect((await next.client()).health().status).toBe('closed');
  });

  it('names missing settings, and waits only once for a server that is down', async () => {
    await expect(createNextConfig({ config: shopConfig() }).publicValue('supportEmail')).rejects.toThrow(
      /^Missing settings: SMOOAI_CONFIG_API_URL/,
    );
    const next = createNextConfig({ config: shopConfig(), clientOptions: down, readyTimeoutMs: 300 });
    const [first, second] = await Promise.allSettled([next.flag('theme'), next.publicValue('supportEmail')]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_READY_TIMEOUT' } });
    expect(second).toEqual(first);
    await expect(next.limit('cartItems')).rejects.toBe((first as PromiseRejectedResult).reason);
  });

  it('does not hide malformed settings behind bundled values', async () => {
    const clientOptions = { ...down, apiUrl: 'not a URL', bundled };
    const next = createNextConfig({ config: shopConfig(), clientOptions });
    await expect(next.publicValue('supportEmail')).rejects.toThrow(/apiUrl/);
  });
});

it('a running app uses bundled values while the server is down', async () => {
  const clientOptions = { ...down, bundled };
  const next = createNextConfig({ config: shopConfig(), clientOptions, readyTimeoutMs: 200 });
  expect(await next.publicValue('supportEmail')).toBe('bundled@example.com');
  await (await next.client()).close();
});

import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit } from '../index.ts';
import { fetchConfigValue } from '../server.ts';
import { sendJson } from '../test-support/loopback-server.ts';
import {
  PLATFORM_ORGANIZATION,
  type PublishedPlatform,
  startPublishedPlatform,
} from '../test-support/published-platform.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.url(), since: z.coerce.date() },
  secrets: { paymentKey: z.string().min(100) },
  limits: { cartItems: defineLimit({ default: 5, min: 1, max: 50 }) },
});

let platform: PublishedPlatform;
beforeEach(async () => {
  // Makes every wait of the backoff the shortest one.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const values = { apiBaseUrl: 'https://api.example', since: '2026-01-01', cartItems: 99, paymentKey: 'k-1' };
  platform = await startPublishedPlatform(values);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await platform.server.close();
});

function settings(clientId = crypto.randomUUID()) {
  const { url } = platform.server;
  const ids = { clientId, clientSecret: 'a-client-secret', organizationId: PLATFORM_ORGANIZATION };
  return { apiUrl: url, authUrl: url, environment: 'development', ...ids };
}

const countReads = (): number => platform.server.seen.filter(({ url }) => url.includes('/values/')).length;

/** Fails the first requests with these responses. */
function failFirst(...responds: ((response: ServerResponse) => void)[]): void {
  platform.instead = (_, response) => {
    const respond = responds.shift();
    if (responds.length === 0) platform.instead = undefined;
    respond?.(response);
  };
}

describe('fetchConfigValue', () => {
  it('reads one value, with settings from options or variables', async () => {
    expect(await fetchConfigValue('apiBaseUrl', settings())).toBe('https://api.example');
    const { apiUrl, clientId, clientSecret } = settings();
    vi.stubEnv('SMOOAI_CONFIG_API_URL', apiUrl);
    vi.stubEnv('SMOOAI_CONFIG_AUTH_URL', apiUrl);
    vi.stubEnv('SMOOAI_CONFIG_CLIENT_ID', clientId);
    vi.stubEnv('SMOOAI_CONFIG_CLIENT_SECRET', clientSecret);
    vi.stubEnv('SMOOAI_CONFIG_ORG_ID', PLATFORM_ORGANIZATION);
    expect(await fetchConfigValue('cartItems')).toBe(99);
  });

  it('parses the value with a schema', async () => {
    expect(await fetchConfigValue('since', { ...settings(), config })).toEqual(new Date('2026-01-01'));
    expect(await fetchConfigValue('cartItems', { ...settings(), config })).toBe(50);
    const failure = await fetchConfigValue('paymentKey', { ...settings(), config }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'ERR_VALUES_INVALID', keys: [{ key: 'paymentKey' }] });
    expect(String(failure)).not.toContain('k-1');
    // @ts-expect-error: not in the schema
    await expect(fetchConfigValue('missing', { ...settings(), config })).rejects.toMatchObject({
      code: 'ERR_KEY_UNKNOWN',
    });
  });

  it('uses the token of an earlier read', async () => {
    const same = settings();
    await fetchConfigValue('apiBaseUrl', same);
    await fetchConfigValue('apiBaseUrl', same);
    expect(platform.server.seen.filter(({ url }) => url === '/token')).toHaveLength(1);
  });

  it('retries after 429, 5xx and a lost connection', async () => {
    failFirst((response) => sendJson(response, 429, { message: 'slow' }));
    expect(await fetchConfigValue('apiBaseUrl', settings())).toBe('https://api.example');
    failFirst(
      (response) => sendJson(response, 500, { message: 'no' }),
      (response) => void response.destroy(),
    );
    expect(await fetchConfigValue('apiBaseUrl', settings())).toBe('https://api.example');
    expect(countReads()).toBe(5);
  });

  it.each([400, 401, 403, 404])('does not retry after %d', async (status) => {
    platform.instead = (_, response) => sendJson(response, status, { message: 'no' });
    await expect(fetchConfigValue('apiBaseUrl', settings())).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status,
    });
    expect(countReads()).toBe(1);
  });

  it('gets a new token for the next read after a 401', async () => {
    const same = settings();
    failFirst((response) => sendJson(response, 401, { message: 'no' }));
    await expect(fetchConfigValue('apiBaseUrl', same)).rejects.toMatchObject({ status: 401 });
    expect(await fetchConfigValue('apiBaseUrl', same)).toBe('https://api.example');
    expect(platform.server.seen.filter(({ url }) => url === '/token')).toHaveLength(2);
  });

  it('gives up after its retries', async () => {
    platform.instead = (_, response) => sendJson(response, 503, { message: 'down' });
    await expect(fetchConfigValue('apiBaseUrl', { ...settings(), retries: 1 })).rejects.toMatchObject({
      status: 503,
    });
    expect(countReads()).toBe(2);
    // Two by default.
    await expect(fetchConfigValue('apiBaseUrl', settings())).rejects.toMatchObject({ status: 503 });
    expect(countReads()).toBe(2 + 3);
  });

  it('has a time limit and can be aborted', async () => {
    platform.instead = () => undefined;
    await expect(fetchConfigValue('apiBaseUrl', { ...settings(), timeoutMs: 300 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(REQUEST|TOKEN)_TRANSPORT$/),
      reason: 'timeout',
    });
    const controller = new AbortController();
    const reading = fetchConfigValue('apiBaseUrl', { ...settings(), signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(reading).rejects.toMatchObject({ reason: 'aborted' });
    await expect(fetchConfigValue('apiBaseUrl', { ...settings(), timeoutMs: 0 })).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      option: 'timeoutMs',
    });
  });

  it('never waits for a Retry-After that ends after the time limit', async () => {
    const headers = { 'retry-after': '3600' };
    platform.instead = (_, response) => sendJson(response, 429, { message: 'slow' }, headers);
    await expect(fetchConfigValue('apiBaseUrl', settings())).rejects.toMatchObject({ status: 429 });
    expect(countReads()).toBe(1);
  });

  it('names all missing settings', async () => {
    for (const name of ['API_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'API_KEY', 'ORG_ID']) {
      vi.stubEnv(`SMOOAI_CONFIG_${name}`, '');
    }
    await expect(fetchConfigValue('apiBaseUrl')).rejects.toMatchObject({ code: 'ERR_SETTINGS_MISSING' });
  });
});

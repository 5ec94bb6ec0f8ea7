import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineConfig, defineLimit } from './index.ts';
import { ConfigApi, createConfigClient, TokenProvider } from './server.ts';
import { sendJson } from './test-support/loopback-server.ts';
import {
  PLATFORM_ORGANIZATION,
  PLATFORM_TOKEN,
  type PublishedPlatform,
  startPublishedPlatform,
} from './test-support/published-platform.ts';

const VALUES = {
  API_URL: 'https://api.example',
  'weird/key with spaces': 'spaced',
  'a.b': 'dotted',
  paymentKey: 'a-payment-key',
  ENABLE_NEW_UI: true,
  MAX_CART_ITEMS: 12,
};
const SECRET = 'a-client-secret';

let platform: PublishedPlatform;
beforeEach(async () => {
  platform = await startPublishedPlatform(VALUES);
});
afterEach(() => platform.server.close());

function settings() {
  const { url } = platform.server;
  return {
    apiUrl: url,
    authUrl: url,
    clientId: 'c1',
    clientSecret: SECRET,
    organizationId: PLATFORM_ORGANIZATION,
    environment: 'development',
  };
}

const connect = (): ConfigApi => {
  const tokenProvider = new TokenProvider(settings());
  return new ConfigApi({ ...settings(), tokenProvider, retries: 0 });
};

describe('a platform that serves the published contract only', () => {
  it('gives a client all its values, with a token that has no lifetime', async () => {
    const config = defineConfig({
      public: { API_URL: z.url(), 'weird/key with spaces': z.string(), 'a.b': z.string() },
      secrets: { paymentKey: z.string() },
      flags: { ENABLE_NEW_UI: z.boolean().default(false) },
      limits: { MAX_CART_ITEMS: defineLimit({ default: 5, min: 1, max: 50 }) },
    });
    await using client = await createConfigClient({ config, overrides: false, ...settings() }).ready();
    expect(client.public('API_URL')).toBe('https://api.example');
    expect(client.public('weird/key with spaces')).toBe('spaced');
    expect(client.public('a.b')).toBe('dotted');
    expect(client.secret('paymentKey')).toBe('a-payment-key');
    expect(client.flag('ENABLE_NEW_UI')).toBe(true);
    expect(client.limit('MAX_CART_ITEMS')).toBe(12);
    expect(await client.evaluateFlag('ENABLE_NEW_UI', { country: 'NL' })).toBe(true);
    expect(await client.evaluateLimit('MAX_CART_ITEMS')).toBe(12);
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'polling' });
    expect(platform.server.seen.filter(({ url }) => url === '/token')).toHaveLength(1);
  });

  it.each([
    ['bare arrays', (rows: unknown[]): unknown => rows],
    ['{ "data": [] }', (data: unknown[]): unknown => ({ data })],
    ['{ "success": true, "data": [] }', (data: unknown[]): unknown => ({ success: true, data })],
  ])('may send its lists as %s', async (_, list) => {
    platform.list = list;
    const api = connect();
    expect(await api.listSchemas()).toMatchObject([{ name: 'shop' }]);
    expect(await api.listEnvironments()).toMatchObject([{ name: 'development' }]);
    expect(await api.listAuthClients()).toMatchObject([{ clientId: 'c1' }]);
  });

  it('may leave out fields of its clients and environments', async () => {
    const [client] = await connect().listAuthClients();
    expect(client).toMatchObject({ id: 'c1', type: 'm2m', scopes: [], environments: null, revokedAt: null });
    const [environment] = await connect().listEnvironments();
    expect(environment).toMatchObject({ name: 'development', fallbackEnvironmentId: null });
  });

  it('gets keys that are encoded in its URLs', async () => {
    const api = connect();
    expect(await api.getValue('development', 'weird/key with spaces')).toBe('spaced');
    expect(await api.getValue('development', 'a.b')).toBe('dotted');
    expect(platform.server.seen.map(({ url }) => url)).toContain(
      `/organizations/${PLATFORM_ORGANIZATION}/config/values/weird%2Fkey%20with%20spaces?environment=development`,
    );
  });

  it.each(['.', '..'])('gets no request for the key "%s", which cannot be in a URL', async (key) => {
    await expect(connect().getValue('development', key)).rejects.toMatchObject({
      code: 'ERR_OPTIONS_INVALID',
      message: expect.stringMatching(/^"\.\.?" cannot be in a URL.*rename the key/i),
    });
    expect(platform.server.seen).toEqual([]);
  });

  it('describes the version of a pushed schema, whose number is returned', async () => {
    const none = { type: 'object' as const, properties: {} };
    const properties = {
      publicConfigSchema: none,
      secretConfigSchema: none,
      featureFlagSchema: none,
      limitsSchema: none,
    };
    const pushed = await connect().pushSchema('s1', { jsonSchema: { type: 'object', properties } });
    expect(pushed).toMatchObject({ version: 4, schema: { id: 's1' } });
  });

  it.each([
    ['m2m', { clientSecret: 'sk-of-a-test' }],
    ['b2m', { publishableKey: 'pk-of-a-test' }],
  ] as const)('names the credential of a new %s client differently', async (type, credential) => {
    const created = await connect().createAuthClient({ type, name: 'shop' });
    expect(created).toMatchObject({ id: 'c2', clientId: 'c2', type, ...credential });
    expect(created).not.toHaveProperty('secretKey');
  });

  it.each([
    [{ success: false, error: 'Schema is archived' }, 'Schema is archived'],
    [{ success: false, error: { message: 'Schema is archived' } }, 'Schema is archived'],
    [{ success: false, message: 'Schema is archived' }, 'Schema is archived'],
    [{ success: false }, undefined],
  ])('may report a failure with status 200: %j', async (body, serverMessage) => {
    platform.instead = (_, response) => sendJson(response, 200, body);
    const words = serverMessage === undefined ? '' : `: ${serverMessage}`;
    const api = connect();
    for (const call of [() => api.listSchemas(), () => api.listValues('development')]) {
      const failure = await call().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status: 200, serverMessage });
      expect(String(failure)).toContain(`returned 200, but reports a failure${words}`);
    }
  });

  it('gets no secret or token into the error of such a failure', async () => {
    const value = 'the-value-of-a-secret';
    platform.instead = (_, response) =>
      sendJson(response, 200, { success: false, error: `refused ${value} for ${PLATFORM_TOKEN}` });
    const input = { schemaId: 's1', environmentId: 'e1', key: 'paymentKey', value, tier: 'secret' } as const;
    const failure = await connect()
      .setValue(input)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ serverMessage: 'refused [redacted] for [redacted]' });
    expect(JSON.stringify(failure)).not.toMatch(/the-value-of-a-secret|a-token-of-the-platform/);
  });
});

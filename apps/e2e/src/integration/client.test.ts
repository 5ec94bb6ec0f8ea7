import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { defineConfig, defineLimit, toJsonSchema } from '@smooai/config';
import { ConfigApi, type ConfigClient, createConfigClient, TokenProvider } from '@smooai/config/server';
import type { ConfigServer, ServerCredentials } from '@smooai/config-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { FaultProxy } from './fault-proxy.ts';
import { type StockedServer, startStockedServer } from './stocked-server.ts';

const config = defineConfig({
  public: { supportEmail: z.email().default('help@example.com') },
  secrets: { paymentKey: z.string().min(1) },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

const secretValue = 'first-payment-key-of-this-test';
const soon = { timeout: 15_000, interval: 20 };

let server: ConfigServer;
let credentials: ServerCredentials;
let api: ConfigApi;
let proxy: FaultProxy;
let proxyUrl: string;
let set: StockedServer['set'];
const clients: ConfigClient<typeof config>[] = [];

beforeEach(async () => {
  ({ server, credentials, api, set } = await startStockedServer(toJsonSchema(config)));
  await set('secret', 'paymentKey', secretValue);
  proxy = new FaultProxy(server.url);
  proxyUrl = await proxy.listen();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await proxy.close();
  await server.close();
});

function makeClient(options: Partial<Parameters<typeof createConfigClient<typeof config>>[0]> = {}) {
  const client = createConfigClient({ ...credentials, environment: 'development', config, ...options });
  clients.push(client);
  return client;
}

describe('a client of the real server', () => {
  it('starts, reads every tier, and follows changes by the stream', async () => {
    const client = await makeClient().ready();
    expect(client.secret('paymentKey')).toBe(secretValue);
    expect(client.flagDetails('newCheckout')).toEqual({ value: false, source: 'default' });
    const changes: string[] = [];
    client.subscribe(({ keys }) => changes.push(...keys));
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    await set('limit', 'cartItems', 7);
    await vi.waitFor(() => expect(client.limit('cartItems')).toBe(7), soon);
    await set('secret', 'paymentKey', 'rotated-payment-key-of-this-test');
    await vi.waitFor(
      () => expect(client.secret('paymentKey')).toBe('rotated-payment-key-of-this-test'),
      soon,
    );
    await api.deleteValue('development', 'newCheckout');
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(false), soon);
    expect(changes).toEqual(['newCheckout', 'cartItems', 'paymentKey', 'newCheckout']);
  });

  it('resumes after a cut with what it missed', async () => {
    const client = await makeClient({ apiUrl: proxyUrl, authUrl: proxyUrl }).ready();
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    proxy.refuseStreams = true;
    proxy.cut();
    await vi.waitFor(() => expect(client.health().status).toBe('stale'), soon);
    await set('feature_flag', 'newCheckout', true);
    await set('feature_flag', 'theme', 'dark');
    expect(client.flag('newCheckout')).toBe(false);
    proxy.refuseStreams = false;
    await vi.waitFor(
      () => expect([client.flag('newCheckout'), client.flag('theme')]).toEqual([true, 'dark']),
      soon,
    );
    await vi.waitFor(
      () => expect(client.health()).toMatchObject({ status: 'ready', transport: 'stream' }),
      soon,
    );
  });

  it('polls while streams are refused, and goes back to the stream', async () => {
    proxy.refuseStreams = true;
    const client = await makeClient({ apiUrl: proxyUrl, authUrl: proxyUrl, pollIntervalMs: 100 }).ready();
    await vi.waitFor(() => expect(client.health().transport).toBe('polling'), soon);
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    proxy.refuseStreams = false;
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), {
      timeout: 30_000,
      interval: 50,
    });
    await vi.waitFor(async () => {
      const before = proxy.seen.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(proxy.seen.slice(before).filter((line) => line.endsWith('/ruleset'))).toEqual([]);
    }, soon);
  });

  it('gets a new token once when the server refuses the one in hand', async () => {
    const client = await makeClient({ apiUrl: proxyUrl, authUrl: proxyUrl }).ready();
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    const { clientId, clientSecret } = credentials;
    const provider = new TokenProvider({ authUrl: server.url, clientId, clientSecret });
    const revocable = new ConfigApi({
      apiUrl: proxyUrl,
      organizationId: credentials.organizationId,
      tokenProvider: provider,
    });
    const token = await provider.getAccessToken();
    await revoke(token);
    expect((await revocable.listEnvironments()).map(({ name }) => name)).toContain('production');
    expect(await provider.getAccessToken()).not.toBe(token);
  });

  it('says what the server refused, and no secret', async () => {
    const wrong = makeClient({ clientSecret: 'not-the-secret-of-this-client' });
    await expect(wrong.ready()).rejects.toMatchObject({ code: 'ERR_TOKEN_REJECTED', status: 401 });
    const foreign = makeClient({ environment: 'no-such-environment' });
    await expect(foreign.ready()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringContaining('no-such-environment'),
    });
    const nobody = makeClient({ apiUrl: 'http://127.0.0.1:1', authUrl: 'http://127.0.0.1:1' });
    await expect(nobody.ready({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'ERR_READY_TIMEOUT' });
  });

  it('keeps two environments apart', async () => {
    const environments = await api.listEnvironments();
    const staging = environments.find(({ name }) => name === 'staging');
    const [schema] = await api.listSchemas();
    const write = { schemaId: schema?.id ?? '', environmentId: staging?.id ?? '' };
    await api.setValues([
      { ...write, key: 'paymentKey', value: 'staging-payment-key', tier: 'secret' },
      { ...write, key: 'theme', value: 'dark', tier: 'feature_flag' },
    ]);
    const [one, two] = [await makeClient().ready(), await makeClient({ environment: 'staging' }).ready()];
    expect([one.flag('theme'), two.flag('theme')]).toEqual(['light', 'dark']);
    expect([one.secret('paymentKey'), two.secret('paymentKey')]).toEqual([
      secretValue,
      'staging-payment-key',
    ]);
  });

  it('lets the process end after close, and by itself', async () => {
    const script = fileURLToPath(new URL('./short-lived-process.mjs', import.meta.url));
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = credentials;
    const env = {
      ...process.env,
      SMOOAI_CONFIG_API_URL: apiUrl,
      SMOOAI_CONFIG_AUTH_URL: authUrl,
      SMOOAI_CONFIG_ORG_ID: organizationId,
      SMOOAI_CONFIG_CLIENT_ID: clientId,
      SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
      SMOOAI_CONFIG_ENV: 'development',
    };
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env, timeout: 20_000 });
    expect(stdout.trim()).toBe('light');
  });
});

async function revoke(token: string): Promise<void> {
  const { clientId, clientSecret } = credentials;
  const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
  const response = await fetch(`${server.url}/revoke`, { method: 'POST', body });
  expect(response.status).toBe(200);
}

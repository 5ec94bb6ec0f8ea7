import { defineConfig, defineLimit } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { runScript } from './child-script.ts';
import { type ClientBench, startClientBench } from './client-bench.ts';
import { settingsVariables } from './settings-variables.ts';

const config = defineConfig({
  public: { supportEmail: z.email().default('help@example.com') },
  secrets: { paymentKey: z.string().min(1) },
  flags: { newCheckout: z.boolean().default(false), theme: z.enum(['light', 'dark']).default('light') },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

const secretValue = 'first-payment-key-of-this-test';
const soon = { timeout: 60_000, interval: 20 };

let bench: ClientBench<typeof config>;

beforeEach(async () => {
  bench = await startClientBench(config);
  await bench.set('secret', 'paymentKey', secretValue);
});

afterEach(() => bench.close());

describe('a client of the real server', () => {
  it('starts, reads every tier, and follows changes over the stream', async () => {
    const { api, set } = bench;
    const client = await bench.makeClient().ready();
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

  it('resumes after a cut connection with the changes it missed', async () => {
    const { proxy, set } = bench;
    const client = await bench.makeClient(bench.throughProxy).ready();
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

  it('polls while streams are refused, and returns to the stream', async () => {
    const { proxy, set } = bench;
    proxy.refuseStreams = true;
    const client = await bench.makeClient({ ...bench.throughProxy, pollIntervalMs: 100 }).ready();
    await vi.waitFor(() => expect(client.health().transport).toBe('polling'), soon);
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    proxy.refuseStreams = false;
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    await vi.waitFor(async () => {
      const before = proxy.seen.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(proxy.seen.slice(before).filter((line) => line.endsWith('/ruleset'))).toEqual([]);
    }, soon);
  });

  it('gets a new token once when the server refuses the current one', async () => {
    const { server, credentials, proxyUrl } = bench;
    const client = await bench.makeClient(bench.throughProxy).ready();
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    const { clientId, clientSecret } = credentials;
    const provider = new TokenProvider({ authUrl: server.url, clientId, clientSecret });
    const revocable = new ConfigApi({
      apiUrl: proxyUrl,
      organizationId: credentials.organizationId,
      tokenProvider: provider,
    });
    const token = await provider.getAccessToken();
    await revoke(bench, token);
    expect((await revocable.listEnvironments()).map(({ name }) => name)).toContain('production');
    expect(await provider.getAccessToken()).not.toBe(token);
  });

  it('reports what the server refused, without a secret', async () => {
    const { makeClient } = bench;
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
    const { api, makeClient } = bench;
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

  it('lets the process end by itself after close', async () => {
    const env = settingsVariables(bench.credentials);
    expect((await runScript('short-lived-process.mjs', { env })).trim()).toBe('light');
  });
});

async function revoke({ server, credentials }: ClientBench<typeof config>, token: string): Promise<void> {
  const { clientId, clientSecret } = credentials;
  const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
  const response = await fetch(`${server.url}/revoke`, { method: 'POST', body });
  expect(response.status).toBe(200);
}

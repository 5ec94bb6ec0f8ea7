import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { defineConfig, defineLimit, toJsonSchema } from '@smooai/config';
import { type ConfigClient, createConfigClient } from '@smooai/config/server';
import type { ConfigServer, ServerCredentials } from '@smooai/config-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { FaultProxy } from './fault-proxy.ts';
import { type StockedServer, startStockedServer } from './stocked-server.ts';

// A client against a platform with the published contract only: the real server behind a proxy that hides the rest.

const config = defineConfig({
  secrets: { paymentKey: z.string().min(1) },
  flags: {
    newCheckout: z.boolean().default(false),
    theme: z.enum(['light', 'dark']).default('light'),
    onlyHere: z.boolean().default(false),
  },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100 }) },
});

const soon = { timeout: 15_000, interval: 20 };
const dutch = { attribute: 'country', op: 'in', values: ['NL'] };

let server: ConfigServer;
let credentials: ServerCredentials;
let proxy: FaultProxy;
let proxyUrl: string;
let set: StockedServer['set'];
const clients: ConfigClient<typeof config>[] = [];

beforeEach(async () => {
  const jsonSchema = toJsonSchema(config);
  delete jsonSchema.properties.featureFlagSchema.properties.onlyHere;
  ({ server, credentials, set } = await startStockedServer(jsonSchema));
  await set('secret', 'paymentKey', 'first-payment-key');
  const rule = { id: 'dutch', when: dutch, value: 'dark' };
  await set('feature_flag', 'theme', { $cohort: { rules: [rule], defaultValue: 'light' } });
  await set('limit', 'cartItems', {
    $cohort: { rules: [{ id: 'dutch', when: dutch, value: 70 }], defaultValue: 7 },
  });
  proxy = new FaultProxy(server.url);
  proxy.hasContractOnly = true;
  proxyUrl = await proxy.listen();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await proxy.close();
  await server.close();
});

function makeClient(options: Partial<Parameters<typeof createConfigClient<typeof config>>[0]> = {}) {
  const urls = { apiUrl: proxyUrl, authUrl: proxyUrl };
  const client = createConfigClient({
    ...credentials,
    ...urls,
    environment: 'development',
    config,
    pollIntervalMs: 50,
    ...options,
  });
  clients.push(client);
  return client;
}

const asked = (end: string): number => proxy.seen.filter((line) => line.endsWith(end)).length;

describe('a platform with the published contract only', () => {
  it('starts a client, which follows its values by polling', async () => {
    const client = await makeClient().ready();
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'polling', invalidKeys: [] });
    expect(client.secret('paymentKey')).toBe('first-payment-key');
    expect([client.flag('theme', { country: 'NL' }), client.limit('cartItems')]).toEqual(['light', 7]);
    const changes: (readonly string[])[] = [];
    client.subscribe(({ keys }) => changes.push(keys));
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    const polls = asked('/values');
    await vi.waitFor(() => expect(asked('/values')).toBeGreaterThan(polls + 2), soon);
    await set('secret', 'paymentKey', 'second-payment-key');
    await vi.waitFor(() => expect(client.secret('paymentKey')).toBe('second-payment-key'), soon);
    expect(changes).toEqual([['newCheckout'], ['paymentKey']]);
    expect([asked('/ruleset'), asked('/stream')]).toEqual([1, 0]);
    proxy.cut();
    await vi.waitFor(
      () => expect(client.health()).toMatchObject({ status: 'ready', transport: 'polling' }),
      soon,
    );
  });

  it('evaluates what it gives no rules of', async () => {
    const client = await makeClient().ready();
    expect(await client.evaluateFlagDetails('theme', { country: 'NL' })).toEqual({
      value: 'dark',
      source: 'rule',
      matchedRuleId: 'dutch',
    });
    expect(await client.evaluateFlag('theme', { country: 'BE' })).toBe('light');
    expect(await client.evaluateLimit('cartItems', { country: 'NL' })).toBe(70);
    expect(await client.evaluateFlag('newCheckout')).toBe(false);
  });

  it('says what it does not evaluate, and no value', async () => {
    const client = await makeClient().ready();
    await expect(client.evaluateFlag('onlyHere')).rejects.toMatchObject({ code: 'ERR_EVALUATE_NOT_FOUND' });
    const wide = { text: 'jane'.repeat(100_000) };
    let deep: Record<string, unknown> = { text: 'jane' };
    for (let depth = 0; depth < 90; depth += 1) deep = { deep };
    for (const context of [deep, wide]) {
      const error: unknown = await client.evaluateFlag('theme', context).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_EVALUATE_CONTEXT', status: expect.any(Number) });
      expect(String(error)).not.toContain('jane');
    }
    const elsewhere = makeClient({ environment: 'no-such-environment' });
    await expect(elsewhere.evaluateFlag('theme')).rejects.toMatchObject({ code: 'ERR_EVALUATE_NOT_FOUND' });
    proxy.onRequest = async (path) => {
      if (path.endsWith('/evaluate')) proxy.cut();
    };
    await expect(client.evaluateFlag('theme')).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FAILED',
      reason: 'reset',
    });
  });

  it('is asked the same once at a time, and one caller may leave', async () => {
    const client = await makeClient().ready();
    let open: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    proxy.onRequest = (path) => (path.endsWith('/evaluate') ? isOpen : undefined);
    const leaving = new AbortController();
    const left = client.evaluateFlag('theme', { country: 'NL', plan: 'pro' }, { signal: leaving.signal });
    const staying = Array.from({ length: 50 }, () =>
      client.evaluateFlag('theme', { plan: 'pro', country: 'NL' }),
    );
    await vi.waitFor(() => expect(asked('/evaluate')).toBe(1), soon);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'ERR_EVALUATE_FAILED', reason: 'aborted' });
    open();
    expect(new Set(await Promise.all(staying))).toEqual(new Set(['dark']));
    expect(asked('/evaluate')).toBe(1);
  });

  it('is asked again only after a change where answers are kept, and for those that were dropped', async () => {
    const client = await makeClient({ evaluationCache: { maxEntries: 2, ttlMs: 600_000 } }).ready();
    const ask = (userId: string) => client.evaluateFlag('newCheckout', { userId });
    for (const userId of ['a', 'b', 'a', 'b']) expect(await ask(userId)).toBe(false);
    expect(asked('/evaluate')).toBe(2);
    await ask('c');
    await ask('b');
    expect(asked('/evaluate')).toBe(3);
    await ask('a');
    expect(asked('/evaluate')).toBe(4);
    await set('feature_flag', 'newCheckout', true);
    await vi.waitFor(() => expect(client.flag('newCheckout')).toBe(true), soon);
    expect(await ask('a')).toBe(true);
    expect(asked('/evaluate')).toBe(5);
  });

  it('says which environments there are', async () => {
    await expect(makeClient({ environment: 'no-such-environment' }).ready()).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 404,
      message: expect.stringMatching(/no environment "no-such-environment".*development/),
    });
  });

  it('keeps no process alive', async () => {
    const script = fileURLToPath(new URL('./short-lived-process.mjs', import.meta.url));
    const { organizationId, clientId, clientSecret } = credentials;
    const env = {
      ...process.env,
      SMOOAI_CONFIG_API_URL: proxyUrl,
      SMOOAI_CONFIG_AUTH_URL: proxyUrl,
      SMOOAI_CONFIG_ORG_ID: organizationId,
      SMOOAI_CONFIG_CLIENT_ID: clientId,
      SMOOAI_CONFIG_CLIENT_SECRET: clientSecret,
      SMOOAI_CONFIG_ENV: 'development',
    };
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env, timeout: 20_000 });
    expect(stdout.trim()).toBe('light');
    expect(asked('/values')).toBe(1);
  });
});

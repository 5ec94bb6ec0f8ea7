import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { defineConfig, type EvaluationContext, type JsonValue, toJsonSchema } from '@smooai/config';
import { ConfigApi, getSharedConfigClient, TokenProvider } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createNextConfig } from './server.ts';
import { readEvents } from './test-support/read-events.ts';
import { onlyIn, shopConfig } from './test-support/shop-config.ts';

describe('createNextConfig with a client', () => {
  it('reads every tier for the context of the request', async () => {
    const client = createTestClient({
      config: shopConfig(),
      public: { supportEmail: 'shop@example.com' },
      secrets: { paymentKey: 'sk-live-1111' },
      flags: { freeShipping: onlyIn('NL') },
      limits: { cartItems: 7 },
    });
    const next = createNextConfig({ client, context: async () => ({ country: 'NL' }) });
    expect(await next.flag('freeShipping')).toBe(true);
    expect(await next.flag('freeShipping', { country: 'BE' })).toBe(false);
    expect(await next.flagDetails('freeShipping')).toMatchObject({
      value: true,
      source: 'rule',
      matchedRuleId: 'NL',
    });
    expect(await next.limit('cartItems')).toBe(7);
    expect(await next.publicValue('supportEmail')).toBe('shop@example.com');
    expect(await next.secret('paymentKey')).toBe('sk-live-1111');
    expect(await next.client()).toBe(client);
  });

  it('returns a snapshot without the secrets', async () => {
    const client = createTestClient({ config: shopConfig(), secrets: { paymentKey: 'sk-live-1111' } });
    const { snapshot } = createNextConfig({ client });
    expect(await snapshot()).toEqual(client.snapshot());
    expect(JSON.stringify(await snapshot({ country: 'NL' }))).not.toMatch(/sk-live|paymentKey/);
  });

  it('keeps the contexts of concurrent requests apart', async () => {
    const client = createTestClient({ config: shopConfig(), flags: { freeShipping: onlyIn('NL') } });
    const request = new AsyncLocalStorage<EvaluationContext>();
    const { flag, snapshot, handlers } = createNextConfig({
      client,
      context: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return request.getStore() ?? {};
      },
    });
    const visit = (country: string) =>
      request.run({ country }, async () => {
        const response = await handlers.GET(new Request('https://shop.example/api/config/stream'));
        const events = readEvents(response);
        const first = (await events.next())?.data as Awaited<ReturnType<typeof snapshot>>;
        await events.cancel();
        return [await flag('freeShipping'), (await snapshot()).flags, first.flags].map((answer) =>
          typeof answer === 'boolean' ? answer : answer.freeShipping?.value,
        );
      });
    const answers = await Promise.all(['NL', 'BE', 'NL', 'DE'].map(visit));
    const yes = [true, true, true];
    const no = [false, false, false];
    expect(answers).toEqual([yes, no, yes, no]);
  });

  it('throws unless exactly one of a schema and a client is given', () => {
    const config = shopConfig();
    const client = createTestClient({ config });
    expect(() => createNextConfig({} as never)).toThrow(/either "config".*or "client"/);
    expect(() => createNextConfig({ config, client } as never)).toThrow(/either "config"/);
  });
});

describe('createNextConfig with a schema', () => {
  let server: ConfigServer;
  let clientOptions: {
    apiUrl: string;
    authUrl: string;
    organizationId: string;
    clientId: string;
    clientSecret: string;
  };
  let set: (key: string, value: JsonValue) => Promise<unknown>;

  beforeAll(async () => {
    server = await createConfigServer({ timeouts: { closeMs: 500 } });
    if (server.credentials === undefined) throw new Error('The server has no credentials.');
    const { apiUrl, authUrl, organizationId, clientId, clientSecret } = server.credentials;
    clientOptions = { apiUrl, authUrl, organizationId, clientId, clientSecret };
    const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
    const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
    const { id: schemaId } = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(shopConfig()) });
    const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
    set = (key, value) =>
      api.setValue({ schemaId, environmentId: environment?.id ?? '', key, value, tier: 'feature_flag' });
    await set('freeShipping', onlyIn('NL'));
  });

  afterAll(async () => {
    await server?.close();
  });

  it('fetches nothing until the first read, waits once if the server is down, and recovers by itself', async () => {
    let calls = 0;
    let isDown = true;
    const fetch: typeof globalThis.fetch = (...input) => {
      calls++;
      return isDown ? Promise.reject(new TypeError('connection refused')) : globalThis.fetch(...input);
    };
    const settings = { ...clientOptions, environment: 'staging', fetch };
    const next = createNextConfig({ config: shopConfig(), clientOptions: settings, readyTimeoutMs: 200 });
    expect(calls).toBe(0);
    const failures = await Promise.allSettled([next.flag('newCheckout'), next.limit('cartItems')]);
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const [{ reason }] = failures as unknown as [PromiseRejectedResult];
    // The same error: no second wait.
    await expect(next.publicValue('supportEmail')).rejects.toBe(reason);
    // As Next prints it for each request: a message, no stack, and not again.
    expect(inspect(reason)).toMatch(
      /^ReadyTimeoutError: The config client was not ready within 200 ms[^\n]*$/,
    );
    expect(inspect(reason)).toBe('ReadyTimeoutError, as reported above');
    expect(reason.stack).toContain('\n');
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    expect((await next.handlers.GET(new Request('https://shop.example/'))).status).toBe(503);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    await expect.poll(() => calls).toBeGreaterThan(0);
    isDown = false;
    await vi.waitFor(() => next.flag('newCheckout'), { timeout: 30_000, interval: 50 });
    expect(await next.limit('cartItems')).toBe(20);
    await (await next.client()).close();
  });

  it('tries again with a client of the Pages Router that does not try by itself', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('SMOOAI_CONFIG_API_URL', clientOptions.apiUrl);
    vi.stubEnv('SMOOAI_CONFIG_AUTH_URL', clientOptions.authUrl);
    vi.stubEnv('SMOOAI_CONFIG_ORG_ID', clientOptions.organizationId);
    vi.stubEnv('SMOOAI_CONFIG_CLIENT_ID', clientOptions.clientId);
    vi.stubEnv('SMOOAI_CONFIG_CLIENT_SECRET', clientOptions.clientSecret);
    let isDown = true;
    const fetch: typeof globalThis.fetch = (...input) =>
      isDown ? Promise.reject(new TypeError('connection refused')) : globalThis.fetch(...input);
    const config = shopConfig();
    const shared = getSharedConfigClient({ config, environment: 'development', fetch });
    const next = createNextConfig({ config, readyTimeoutMs: 200 });
    await expect(next.flag('newCheckout')).rejects.toThrow(/not ready within 200 ms/);
    isDown = false;
    await vi.waitFor(() => next.flag('newCheckout'), { timeout: 60_000, interval: 50 });
    expect(await next.client()).toBe(shared);
    await shared.close();
  });

  it('has one client per process for the same settings and schema, also after a hot reload', async () => {
    const before = createNextConfig({ config: shopConfig(), clientOptions });
    const after = createNextConfig({ config: shopConfig(), clientOptions });
    const [one, other] = await Promise.all([before.client(), after.client()]);
    expect(other).toBe(one);
    const staging = createNextConfig({
      config: shopConfig(),
      clientOptions: { ...clientOptions, environment: 'staging' },
    });
    const edited = createNextConfig({
      config: defineConfig({ flags: { newCheckout: z.boolean().default(true) } }),
      clientOptions,
    });
    expect(await staging.client()).not.toBe(one);
    expect(await edited.client()).not.toBe(one);
    for (const config of [before, staging, edited]) await (await config.client()).close();
    const again = await before.client();
    expect(again).not.toBe(one);
    await again.close();
  });

  it('closes the clients of edited schemas in development, but not the newest ones', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    const edits = Array.from({ length: 6 }, (_, edit) =>
      createNextConfig({
        config: defineConfig({ flags: { [`edit${edit}`]: z.boolean().default(true) } }),
        clientOptions: { ...clientOptions, environment: 'staging' },
      }),
    );
    const clients = [];
    for (const edit of edits) clients.push(await edit.client());
    vi.unstubAllEnvs();
    const closed = clients.map((client) => client.health().status === 'closed');
    expect(closed).toEqual([true, true, true, false, false, false]);
    const again = await edits[0]?.client();
    expect(again?.health().status).toBe('ready');
    for (const client of [...clients, again]) await client?.close();
  });

  it('does not share the client between different settings, and keeps the secret out of the registry', async () => {
    const running = createNextConfig({ config: shopConfig(), clientOptions });
    await running.client();
    const elsewhere = 'http://127.0.0.1:9';
    const different = [
      { apiUrl: elsewhere },
      { authUrl: elsewhere },
      { clientId: 'someone-else' },
      { clientSecret: 'another-secret' },
      { organizationId: 'another-organization' },
    ];
    for (const settings of different) {
      const other = createNextConfig({
        config: shopConfig(),
        clientOptions: { ...clientOptions, ...settings },
        readyTimeoutMs: 500,
      });
      await expect(other.client(), JSON.stringify(settings)).rejects.toThrow();
    }
    const registry = Reflect.get(globalThis, Symbol.for('@smooai/config/clients')) as Map<string, unknown>;
    expect([...registry.keys()].join()).not.toContain(clientOptions.clientSecret);
    await (await running.client()).close();
  });

  it('names the missing settings on the first read, not before', async () => {
    const next = createNextConfig({ config: shopConfig(), clientOptions: { apiUrl: 'http://127.0.0.1:9' } });
    await expect(next.flag('newCheckout')).rejects.toThrow(/SMOOAI_CONFIG_CLIENT_ID/);
  });

  it('follows the server, and reads from memory when the server is gone', async () => {
    const next = createNextConfig({
      config: shopConfig(),
      clientOptions,
      context: () => ({ country: 'NL' }),
    });
    expect(await next.flag('freeShipping')).toBe(true);
    const events = readEvents(await next.handlers.GET(new Request('https://shop.example/')));
    expect(await events.next()).toMatchObject({ event: 'snapshot' });
    await set('newCheckout', true);
    expect(await events.next()).toMatchObject({
      event: 'patch',
      data: { flags: { newCheckout: { value: true } } },
    });
    expect(await next.flag('newCheckout')).toBe(true);
    await server.close();
    expect(await next.flag('newCheckout')).toBe(true);
    expect(await next.flag('freeShipping')).toBe(true);
    await (await next.client()).close();
    expect(await events.next()).toBeUndefined();
  });
});

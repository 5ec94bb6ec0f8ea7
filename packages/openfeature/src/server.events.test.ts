import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenFeature, ProviderEvents } from '@openfeature/server-sdk';
import { createConfigClient, type RulesetSink, type RulesetSource } from '@smooai/config/server';
import { createConfigServer } from '@smooai/config-server';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../scripts/free-port.mjs';
import { SmooConfigProvider } from './server.ts';
import { startConfigServer } from './test-support/config-server.ts';
import { shopConfig } from './test-support/shop-config.ts';

let noting = new AbortController();

/** Notes the events of the default client, with the status that it has meanwhile. Ends the notes before. */
function noteEvents(): string[] {
  noting.abort();
  noting = new AbortController();
  const { signal } = noting;
  const client = OpenFeature.getClient();
  const seen: string[] = [];
  for (const type of Object.values(ProviderEvents)) {
    const name = type.replace('PROVIDER_', '');
    client.addHandler(type, () => seen.push(`${name} ${client.providerStatus}`), { signal });
  }
  seen.length = 0;
  return seen;
}

class ManualSource implements RulesetSource {
  sink: RulesetSink | undefined;
  #revision = 1;

  start(sink: RulesetSink): Promise<void> {
    this.sink = sink;
    this.change();
    sink.status('stream');
    return Promise.resolve();
  }

  stop(): void {}

  change(): void {
    const newCheckout = this.#revision % 2 === 1;
    const values = { public: {}, secret: {}, flags: { newCheckout }, limits: {}, segments: {} };
    this.sink?.replace({ revision: String(this.#revision++), environment: 'test', ...values });
    this.sink?.confirm();
  }
}

afterEach(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHandlers();
});

/** All orders of the items. */
function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    ordersOf(items.filter((_, other) => other !== index)).map((order) => [item, ...order]),
  );
}

describe('events', () => {
  const orders = ordersOf(['lose', 'find', 'lose', 'change', 'close'] as const);

  it('follow the client in every order, each once', async () => {
    for (const order of orders) {
      const source = new ManualSource();
      const client = createConfigClient({ config: shopConfig, source, overrides: false });
      const seen = noteEvents();
      await OpenFeature.setProviderAndWait(new SmooConfigProvider(client));
      const expected = ['READY READY'];
      let status = 'READY';
      for (const step of order) {
        if (step === 'lose') source.sink?.status('disconnected');
        if (step === 'find') source.sink?.status('stream');
        if (step === 'change') source.change();
        if (step === 'close') await client.close();
        if (status === 'FATAL') continue;
        if (step === 'change') {
          expected.push(`CONFIGURATION_CHANGED ${status}`);
          continue;
        }
        const next = { lose: 'STALE', find: 'READY', close: 'FATAL' }[step];
        if (next !== status) expected.push(`${next === 'FATAL' ? 'ERROR' : next} ${next}`);
        status = next;
      }
      expect([order, seen]).toEqual([order, expected]);
      await OpenFeature.clearProviders();
      await client.close();
    }
  });

  it('of a start come from the SDK alone, so that there is one READY', async () => {
    // Also by specification 0.9, Appendix E: the SDK emits for a provider that does not say that it does so by itself.
    const client = createConfigClient({ config: shopConfig, source: new ManualSource(), overrides: false });
    onTestFinished(() => client.close());
    const provider = new SmooConfigProvider(client);
    const emitted: string[] = [];
    for (const type of Object.values(ProviderEvents)) {
      provider.events.addHandler(type, () => void emitted.push(type));
    }
    await provider.initialize();
    onTestFinished(() => provider.onClose());
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(emitted).toEqual([]);
  });

  it('end when the provider is closed, and begin again when it is set again', async () => {
    const source = new ManualSource();
    const client = createConfigClient({ config: shopConfig, source, overrides: false });
    onTestFinished(() => client.close());
    const provider = new SmooConfigProvider(client);
    const emitted = vi.fn();
    provider.events.addHandler(ProviderEvents.ConfigurationChanged, emitted);
    provider.events.addHandler(ProviderEvents.Stale, emitted);
    await OpenFeature.setProviderAndWait(provider);
    await OpenFeature.clearProviders();
    source.change();
    source.sink?.status('disconnected');
    expect(emitted).not.toHaveBeenCalled();
    expect(client.health().status).toBe('stale');
    source.sink?.status('stream');
    await OpenFeature.setProviderAndWait(provider);
    source.change();
    expect(emitted).toHaveBeenCalledTimes(1);
  });
});

describe('a server that comes and goes', () => {
  async function temporaryDatabase(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'openfeature-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return join(folder, 'config.db');
  }

  it('gives STALE, then READY and the changes that were missed', async () => {
    const db = await temporaryDatabase();
    const running = await startConfigServer(
      shopConfig,
      { newCheckout: false },
      { db, port: await freePort(0) },
    );
    const client = running.createClient();
    const seen = noteEvents();
    await OpenFeature.setProviderAndWait(new SmooConfigProvider(client));
    const port = Number(new URL(running.server.url).port);
    await running.server.close();
    await expect.poll(() => seen).toEqual(['READY READY', 'STALE STALE']);
    const read = () => OpenFeature.getClient().getBooleanDetails('newCheckout', true);
    expect(await read()).toMatchObject({ value: false, reason: 'STALE' });
    const again = await createConfigServer({ env: {}, db, port });
    onTestFinished(() => again.close());
    await running.set({ newCheckout: true });
    await expect.poll(() => seen).toHaveLength(4);
    expect(seen.filter((event) => event.startsWith('READY'))).toHaveLength(2);
    expect(await read()).toMatchObject({ value: true, reason: 'STATIC' });
  });

  it('gives ERROR, then READY, if it comes after the start', async () => {
    const db = await temporaryDatabase();
    const running = await startConfigServer(
      shopConfig,
      { newCheckout: true },
      { db, port: await freePort(0) },
    );
    const port = Number(new URL(running.server.url).port);
    await running.server.close();
    const seen = noteEvents();
    const client = running.createClient({ start: 'background' });
    const provider = new SmooConfigProvider(client, { readyTimeoutMs: 100 });
    await expect(OpenFeature.setProviderAndWait(provider)).rejects.toMatchObject({ code: 'GENERAL' });
    expect(seen).toEqual(['ERROR ERROR']);
    const again = await createConfigServer({ env: {}, db, port });
    onTestFinished(() => again.close());
    await expect.poll(() => seen).toContain('READY READY');
    expect(seen.filter((event) => event.startsWith('READY'))).toHaveLength(1);
    expect(await OpenFeature.getClient().getBooleanValue('newCheckout', false)).toBe(true);
  });

  it('gives READY, then STALE, if the client starts without it from values that ship with the program', async () => {
    const running = await startConfigServer(shopConfig);
    await running.server.close();
    const seen = noteEvents();
    const bundled = { defaults: { flags: { newCheckout: true } } };
    const client = running.createClient({ fallback: 'cached', bundled });
    await OpenFeature.setProviderAndWait(new SmooConfigProvider(client, { readyTimeoutMs: 100 }));
    await expect.poll(() => seen).toEqual(['READY READY', 'STALE STALE']);
    expect(await OpenFeature.getClient().getBooleanDetails('newCheckout', false)).toMatchObject({
      value: true,
      reason: 'CACHED',
    });
  });

  it('gives a FATAL status if it refuses the credentials, whose secret is in no message', async () => {
    const running = await startConfigServer(shopConfig);
    onTestFinished(() => running.server.close());
    const messages: unknown[] = [];
    OpenFeature.addHandler(ProviderEvents.Error, (event) => messages.push(event?.message));
    const client = running.createClient({ clientSecret: 'a wrong secret' });
    const isSet = OpenFeature.setProviderAndWait(new SmooConfigProvider(client));
    await expect(isSet).rejects.toMatchObject({ code: 'PROVIDER_FATAL' });
    expect(OpenFeature.getClient().providerStatus).toBe('FATAL');
    expect(messages).toHaveLength(1);
    expect(String(messages)).not.toContain('a wrong secret');
  });

  it('gives ERROR and not FATAL while it is too busy', async () => {
    const running = await startConfigServer(shopConfig);
    onTestFinished(() => running.server.close());
    const busy = () => Promise.resolve(new Response('{ "message": "busy" }', { status: 429 }));
    const client = running.createClient({
      fetch: (input, init) => {
        const url = input instanceof Request ? input.url : input.toString();
        return url.includes('/config/') ? busy() : fetch(input, init);
      },
    });
    const provider = new SmooConfigProvider(client, { readyTimeoutMs: 300 });
    await expect(OpenFeature.setProviderAndWait(provider)).rejects.toMatchObject({ code: 'GENERAL' });
    expect(OpenFeature.getClient().providerStatus).toBe('ERROR');
  });
});

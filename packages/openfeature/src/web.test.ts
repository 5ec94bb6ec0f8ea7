import { type EvaluationContext, OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { createSnapshotSource, type SnapshotSource, SnapshotStore } from '@smooai/config/browser';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { startConfigServer } from './test-support/config-server.ts';
import { actAsPage, PAGE_ORIGIN } from './test-support/page.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';
import { SmooConfigWebProvider } from './web.ts';

const client = OpenFeature.getClient();
let noting = new AbortController();

function noteEvents(): string[] {
  const { signal } = noting;
  const seen: string[] = [];
  for (const type of Object.values(ProviderEvents)) {
    const name = type.replace('PROVIDER_', '');
    client.addHandler(type, () => seen.push(`${name} ${client.providerStatus}`), { signal });
  }
  seen.length = 0;
  return seen;
}

afterEach(async () => {
  noting.abort();
  noting = new AbortController();
  await OpenFeature.clearProviders();
  await OpenFeature.clearContexts();
});

/** The stores by user, and which of them are connected. */
class ManualSources {
  readonly stores: Record<string, SnapshotStore> = {};
  readonly connected = new Set<string>();

  readonly source: SnapshotSource = {
    createStore: (snapshot) => new SnapshotStore(snapshot, 'connecting'),
    connect: (store, context: EvaluationContext = {}) => {
      const user = typeof context.userId === 'string' ? context.userId : '';
      if (user === 'refused') throw new Error('The URL cannot be made.');
      this.stores[user] = store;
      this.connected.add(user);
      return () => {
        this.connected.delete(user);
      };
    },
  };

  /** The server's values for a user: the theme is the user's name. */
  arrive(user: string, revision = '1'): void {
    const theme = { value: user, source: 'rule' } as const;
    this.stores[user]?.replace({ revision, public: {}, flags: { theme }, limits: {} });
    this.stores[user]?.setStatus('live');
  }
}

const theme = (): string => client.getStringValue('theme', 'default');

async function openFor(user: string, readyTimeoutMs?: number) {
  const sources = new ManualSources();
  await OpenFeature.setContext({ targetingKey: user });
  const seen = noteEvents();
  const { source } = sources;
  const isSet = OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source, readyTimeoutMs }));
  return { sources, seen, isSet };
}

describe('the context', () => {
  it('has its own values: none of another user is read, not even while they are on their way', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    expect(theme()).toBe('default');
    sources.arrive('ann');
    await isSet;
    expect(theme()).toBe('ann');
    const change = OpenFeature.setContext({ targetingKey: 'bob' });
    expect([theme(), client.providerStatus]).toEqual(['default', 'RECONCILING']);
    // The line of the old user is closed; what still comes in is not for the new one.
    sources.arrive('ann', '2');
    expect([theme(), [...sources.connected]]).toEqual(['default', ['bob']]);
    sources.arrive('bob');
    await change;
    expect(theme()).toBe('bob');
    expect(seen).toEqual(['READY READY', 'RECONCILING RECONCILING', 'CONTEXT_CHANGED READY']);
  });

  it('may change while an earlier change is on its way: only the last one counts', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    sources.arrive('ann');
    await isSet;
    const changes = ['bob', 'cat', 'dan'].map((targetingKey) => OpenFeature.setContext({ targetingKey }));
    sources.arrive('bob');
    sources.arrive('cat');
    await Promise.resolve();
    expect([theme(), client.providerStatus, [...sources.connected]]).toEqual([
      'default',
      'RECONCILING',
      ['dan'],
    ]);
    sources.arrive('dan');
    await Promise.all(changes);
    expect([theme(), client.providerStatus]).toEqual(['dan', 'READY']);
    expect(seen.filter((event) => event.startsWith('CONTEXT_CHANGED'))).toHaveLength(1);
  });

  it('is not ready if it is set again while its values are on their way', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    const again = OpenFeature.setContext({ targetingKey: 'ann' });
    await Promise.resolve();
    expect([theme(), client.providerStatus]).toEqual(['default', 'RECONCILING']);
    sources.arrive('ann');
    await Promise.all([isSet, again]);
    const changes = [1, 2].map(() => OpenFeature.setContext({ targetingKey: 'bob' }));
    await Promise.resolve();
    expect([theme(), client.providerStatus]).toEqual(['default', 'RECONCILING']);
    sources.arrive('bob');
    await Promise.all(changes);
    expect([theme(), client.providerStatus]).toEqual(['bob', 'READY']);
    expect(seen.filter((event) => event.startsWith('CONTEXT_CHANGED'))).toHaveLength(2);
  });

  const circular: { targetingKey: string; self?: object } = { targetingKey: 'bob' };
  circular.self = circular;
  it.each<[string, EvaluationContext]>([
    ['is circular', circular as EvaluationContext],
    ['is not JSON', { targetingKey: 'bob', count: 1n as never }],
    ['the source refuses', { targetingKey: 'refused' }],
  ])('leaves no value of the previous user if it %s', async (_, context) => {
    const { sources, seen, isSet } = await openFor('ann');
    sources.arrive('ann');
    await isSet;
    await OpenFeature.setContext(context);
    expect([theme(), client.providerStatus, sources.connected.size]).toEqual(['default', 'ERROR', 0]);
    const change = OpenFeature.setContext({ targetingKey: 'ann' });
    sources.arrive('ann');
    await change;
    expect([theme(), client.providerStatus, [...sources.connected]]).toEqual(['ann', 'READY', ['ann']]);
    const changed = ['RECONCILING RECONCILING', 'CONTEXT_CHANGED READY'];
    expect(seen).toEqual(['READY READY', 'RECONCILING RECONCILING', 'ERROR ERROR', ...changed]);
  });

  it('may change before the first values', async () => {
    const { sources, isSet } = await openFor('ann');
    const change = OpenFeature.setContext({ targetingKey: 'bob' });
    sources.arrive('ann');
    sources.arrive('bob');
    await Promise.all([isSet, change]);
    expect([theme(), client.providerStatus]).toEqual(['bob', 'READY']);
  });

  it('causes no request if it is set again with the same attributes', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    sources.arrive('ann');
    await isSet;
    const store = sources.stores.ann;
    await OpenFeature.setContext({ targetingKey: 'ann' });
    expect(sources.stores.ann).toBe(store);
    expect(seen).not.toContain('RECONCILING RECONCILING');
    expect(theme()).toBe('ann');
  });

  it('is an ERROR if its values do not arrive in time, and READY once they do', async () => {
    const { sources, seen, isSet } = await openFor('ann', 20);
    await expect(isSet).rejects.toMatchObject({ code: 'GENERAL' });
    expect([theme(), client.providerStatus]).toEqual(['default', 'ERROR']);
    sources.arrive('ann');
    expect([theme(), client.providerStatus]).toEqual(['ann', 'READY']);
    expect(seen).toEqual(['ERROR ERROR', 'READY READY']);
  });
});

describe('a domain', () => {
  it('has its own context, and a provider belongs to one domain', async () => {
    const sources = new ManualSources();
    const provider = new SmooConfigWebProvider({ source: sources.source });
    await OpenFeature.setContext({ targetingKey: 'ann' });
    await OpenFeature.setContext('checkout', { targetingKey: 'bob' });
    const isSet = OpenFeature.setProviderAndWait('checkout', provider);
    sources.arrive('bob');
    await isSet;
    expect([...sources.connected]).toEqual(['bob']);
    expect(OpenFeature.getClient('checkout').getStringValue('theme', 'default')).toBe('bob');
    expect(() => OpenFeature.setProvider('account', provider)).toThrow('more than one domain');
    expect(() => OpenFeature.setProvider(provider)).toThrow('more than one domain');
  });
});

describe('events', () => {
  it('of a start come from the SDK alone, so that there is one READY', async () => {
    // Also by specification 0.9, Appendix E: the SDK emits for a provider that does not say that it does so by itself.
    const { source, ...sources } = new ManualSources();
    const provider = new SmooConfigWebProvider({ source });
    const emitted: string[] = [];
    for (const type of Object.values(ProviderEvents)) {
      provider.events.addHandler(type, () => void emitted.push(type));
    }
    const isReady = provider.initialize({ targetingKey: 'ann' });
    onTestFinished(() => provider.onClose());
    expect(Object.keys(sources.stores)).toEqual(['ann']);
    const store = sources.stores.ann as SnapshotStore;
    store.replace({ revision: '1', public: {}, flags: {}, limits: {} });
    store.setStatus('live');
    await isReady;
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(emitted).toEqual([]);
  });

  it('are one READY, then STALE and READY as the connection goes and comes back', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    sources.arrive('ann');
    await isSet;
    const store = sources.stores.ann as SnapshotStore;
    store.setStatus('reconnecting');
    expect(client.getStringDetails('theme', '')).toMatchObject({ value: 'ann', reason: 'STALE' });
    store.setStatus('live');
    store.patch({ revision: '2', flags: { theme: { value: 'new', source: 'raw' } } });
    expect(client.getStringDetails('theme', '')).toMatchObject({ value: 'new', reason: 'STATIC' });
    expect(seen).toEqual(['READY READY', 'STALE STALE', 'READY READY', 'CONFIGURATION_CHANGED READY']);
  });

  it('end with the provider, and so does its connection', async () => {
    const { sources, seen, isSet } = await openFor('ann');
    sources.arrive('ann');
    await isSet;
    await OpenFeature.clearProviders();
    seen.length = 0;
    sources.arrive('ann', '2');
    expect([seen, sources.connected.size]).toEqual([[], 0]);
  });
});

describe('values', () => {
  it('are those of the rendered page at once', async () => {
    const { source } = new ManualSources();
    const snapshot = {
      revision: '7',
      public: { supportEmail: 'help@example.com' },
      flags: { theme: { value: 'dark', source: 'rollout', rolloutBucket: 12 } as const },
      limits: { cartItems: { value: 5, source: 'raw' } as const },
    };
    await OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source, snapshot }));
    expect(client.getStringDetails('theme', '')).toEqual({
      flagKey: 'theme',
      value: 'dark',
      variant: 'dark',
      reason: 'SPLIT',
      flagMetadata: { revision: '7', bucket: 12 },
    });
    expect(client.getNumberValue('cartItems', 0)).toBe(5);
    expect(client.getStringValue('supportEmail', '')).toBe('help@example.com');
  });

  it('follow the config server for the context of the page, and never contain a secret', async () => {
    actAsPage();
    const running = await startConfigServer(shopConfig, {
      theme: targeted('dark', 'light'),
      paymentKey: 'hidden',
    });
    onTestFinished(() => running.server.close());
    const publishableKey = await running.publishableKey(PAGE_ORIGIN);
    const { apiUrl = '', organizationId = '', environment = '' } = running.clientOptions();
    const source = createSnapshotSource({ apiUrl, organizationId, environment, publishableKey });
    await OpenFeature.setContext({ targetingKey: 'insider' });
    await OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source }));
    expect(client.getStringDetails('theme', '')).toMatchObject({ value: 'dark', reason: 'TARGETING_MATCH' });
    expect(client.getStringDetails('paymentKey', 'none')).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' });
    const changes: unknown[] = [];
    const { signal } = noting;
    client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(event?.flagsChanged), {
      signal,
    });
    await running.set({ newCheckout: true });
    await expect.poll(() => changes).toEqual([['newCheckout']]);
    expect(client.getBooleanValue('newCheckout', false)).toBe(true);
  });

  it('are CACHED while they are those that an earlier page stored', async () => {
    const { source } = new ManualSources();
    const flags = { theme: { value: 'dark', source: 'rule' } as const };
    const remembering: SnapshotSource = {
      ...source,
      createStore() {
        const store = new SnapshotStore({ revision: '6', public: {}, flags, limits: {} }, 'connecting');
        store.setStatus('reconnecting');
        return store;
      },
    };
    await OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source: remembering }));
    expect(client.getStringDetails('theme', '')).toMatchObject({ value: 'dark', reason: 'CACHED' });
    await expect.poll(() => client.providerStatus).toBe('STALE');
  });

  it('are refused with the reason of the server, such as for a page of another origin', async () => {
    actAsPage();
    const running = await startConfigServer(shopConfig);
    onTestFinished(() => running.server.close());
    const publishableKey = await running.publishableKey('https://other.example');
    const { apiUrl = '', organizationId = '', environment = '' } = running.clientOptions();
    const source = createSnapshotSource({ apiUrl, organizationId, environment, publishableKey });
    const isSet = OpenFeature.setProviderAndWait(new SmooConfigWebProvider({ source }));
    await expect(isSet).rejects.toMatchObject({
      code: 'PROVIDER_FATAL',
      message: expect.stringContaining('does not allow the origin') as string,
    });
    expect([theme(), client.providerStatus]).toEqual(['default', 'FATAL']);
  });
});

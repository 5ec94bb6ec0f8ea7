import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider, type OFREPWebProviderOptions } from '@openfeature/ofrep-web-provider';
import { OpenFeature as ServerFeatures } from '@openfeature/server-sdk';
import { type Provider, ProviderEvents, OpenFeature as WebFeatures } from '@openfeature/web-sdk';
import { TokenProvider } from '@smooai/config/server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type RunningServer, startConfigServer } from './test-support/config-server.ts';
import { fetchAsPage, PAGE_ORIGIN, provideEventSource } from './test-support/page.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';

// OpenFeature's own providers, which know nothing of us but OFREP.
describe('the official OFREP providers', () => {
  let running: RunningServer;
  beforeAll(async () => {
    running = await startConfigServer(shopConfig, { theme: targeted('dark', 'light') });
  });
  afterAll(() => running.server.close());

  it('evaluate on the server for each call, and follow a flip', async () => {
    const { authUrl = '', clientId = '', clientSecret = '' } = running.clientOptions();
    const tokens = new TokenProvider({ authUrl, clientId, clientSecret });
    const provider = new OFREPProvider({
      baseUrl: running.server.url,
      headersFactory: async () => [
        ['Authorization', `Bearer ${await tokens.getAccessToken()}`],
        ['X-Config-Environment', 'development'],
      ],
    });
    await ServerFeatures.setProviderAndWait('ofrep', provider);
    onTestFinished(() => ServerFeatures.clearProviders());
    const client = ServerFeatures.getClient('ofrep');
    const context = { targetingKey: 'insider' };
    expect(await client.getStringDetails('theme', 'none', context)).toMatchObject({
      value: 'dark',
      reason: 'TARGETING_MATCH',
      variant: 'dark',
      flagMetadata: { ruleId: 'insiders', environment: 'development' },
    });
    expect(await client.getStringDetails('banner', 'from the code')).toMatchObject({
      value: 'from the code',
    });
    expect(await client.getStringDetails('paymentKey', 'none')).toMatchObject({
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(await client.getBooleanValue('newCheckout', true)).toBe(false);
    await running.set({ newCheckout: true });
    expect(await client.getBooleanValue('newCheckout', false)).toBe(true);
  });

  async function openPage(options: Partial<OFREPWebProviderOptions>): Promise<PageRequests> {
    const publishableKey = await running.publishableKey(PAGE_ORIGIN);
    const requests: PageRequests = { statuses: [], urls: [] };
    const provider = new OFREPWebProvider({
      baseUrl: running.server.url,
      cacheMode: 'disabled',
      headers: [
        ['X-API-Key', publishableKey],
        ['X-Config-Environment', 'development'],
      ],
      // A browser sends the origin by itself.
      fetchImplementation: async (input, init) => {
        const response = await fetchAsPage(input, init);
        requests.statuses.push(response.status);
        requests.urls.push(response.url);
        return response;
      },
      ...options,
    });
    await WebFeatures.setContext({ targetingKey: 'insider' });
    // Its declarations do not know `exactOptionalPropertyTypes`.
    await WebFeatures.setProviderAndWait(provider as Provider);
    onTestFinished(() => WebFeatures.clearProviders());
    return requests;
  }

  it('read all flags for the context of a page, and follow a flip by polling', async () => {
    await running.set({ newCheckout: false });
    const { statuses } = await openPage({ pollInterval: 50 });
    const client = WebFeatures.getClient();
    expect(client.getStringDetails('theme', 'none')).toMatchObject({
      value: 'dark',
      reason: 'TARGETING_MATCH',
    });
    expect(client.getBooleanValue('newCheckout', true)).toBe(false);
    await expect.poll(() => statuses).toContain(304);
    await running.set({ newCheckout: true });
    await expect.poll(() => client.getBooleanValue('newCheckout', false)).toBe(true);
    await WebFeatures.setContext({ targetingKey: '' });
    expect(client.getNumberValue('cartItems', 0)).toBe(20);
  });

  it('follow a flip through the event stream that the server names, without polling', async () => {
    const opened = provideEventSource();
    await running.set({ newCheckout: false });
    const { statuses, urls } = await openPage({});
    const client = WebFeatures.getClient();
    const changes: unknown[] = [];
    client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(event?.flagsChanged));
    expect(client.getBooleanValue('newCheckout', true)).toBe(false);
    // The first event makes up for changes before the stream was open. Nothing has changed.
    await expect.poll(() => statuses).toEqual([200, 304]);
    await running.set({ newCheckout: true });
    await expect.poll(() => client.getBooleanValue('newCheckout', false)).toBe(true);
    await expect.poll(() => changes).toEqual([['newCheckout']]);
    expect(statuses).toEqual([200, 304, 200]);
    expect(urls.at(-1)).toContain('flagConfigEtag');
    expect(opened).toHaveLength(1);
    expect(opened[0]).toMatch(/\/ofrep\/v1\/stream\?environment=development&key=pk_/);
  });

  it('wait as long as Retry-After says when the server refuses a read too many', async () => {
    const limited = await startConfigServer(shopConfig, {}, { reads: { maxPerAddress: 2 } });
    onTestFinished(() => limited.server.close());
    const publishableKey = await limited.publishableKey(PAGE_ORIGIN);
    const provider = new OFREPProvider({
      baseUrl: limited.server.url,
      fetchImplementation: fetchAsPage,
      headers: { 'X-API-Key': publishableKey, 'X-Config-Environment': 'development' },
    });
    await ServerFeatures.setProviderAndWait('limited', provider);
    onTestFinished(() => ServerFeatures.clearProviders());
    const client = ServerFeatures.getClient('limited');
    expect(await client.getStringValue('theme', 'none')).toBe('light');
    expect(await client.getStringValue('theme', 'none')).toBe('light');
    const refused = await client.getStringDetails('theme', 'none');
    expect(refused).toMatchObject({ value: 'none', reason: 'ERROR' });
    expect(refused.errorMessage).toMatch(/rate limit/i);
  });
});

/** What a page has requested. */
interface PageRequests {
  statuses: number[];
  urls: string[];
}

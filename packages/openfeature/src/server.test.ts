import {
  ComparisonStrategy,
  FirstMatchStrategy,
  InMemoryProvider,
  MultiProvider,
  OpenFeature,
  ProviderEvents,
} from '@openfeature/server-sdk';
import { createConfigClient, type RulesetSource } from '@smooai/config/server';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { SmooConfigProvider, type SmooConfigProviderOptions } from './server.ts';
import { shopConfig, targeted } from './test-support/shop-config.ts';

type TestValues = Omit<Parameters<typeof createTestClient>[0], 'config'>;

async function open(values: TestValues = {}, options: SmooConfigProviderOptions = {}) {
  const source = createTestClient({ config: shopConfig, ...values });
  const provider = new SmooConfigProvider(source, options);
  await OpenFeature.setProviderAndWait(provider);
  return { source, provider, client: OpenFeature.getClient() };
}

afterEach(() => OpenFeature.clearProviders());

describe('a result', () => {
  it('is STATIC for a stored value, and DEFAULT for one of the schema', async () => {
    const { client } = await open({ flags: { newCheckout: true } });
    const metadata = { revision: '1', environment: 'test' };
    expect(await client.getBooleanDetails('newCheckout', false)).toEqual({
      flagKey: 'newCheckout',
      value: true,
      variant: 'on',
      reason: 'STATIC',
      flagMetadata: metadata,
    });
    expect(await client.getStringDetails('theme', 'none')).toMatchObject({
      variant: 'day',
      reason: 'DEFAULT',
    });
  });

  it('names the rule and the bucket of a targeted value', async () => {
    const { client } = await open({ flags: { theme: targeted('dark', 'light') as never } });
    const read = async (targetingKey: string) => {
      const details = await client.getStringDetails('theme', 'none', { targetingKey });
      const { ruleId, bucket } = details.flagMetadata;
      return [details.reason, details.variant, ruleId, typeof bucket];
    };
    expect(await read('insider')).toEqual(['TARGETING_MATCH', 'night', 'insiders', 'undefined']);
    const others = await Promise.all(Array.from({ length: 50 }, (_, index) => read(`user-${index}`)));
    expect(others).toContainEqual(['SPLIT', 'night', undefined, 'number']);
    expect(others).toContainEqual(['DEFAULT', 'day', undefined, 'number']);
  });

  it('is DEFAULT with the rule if its rollout has no variant for the context', async () => {
    const when = { attribute: 'userId', op: 'exists' } as const;
    const rules = [{ id: 'nobody', when, rollout: { variants: [{ value: true, weight: 0 }] } }];
    const { client } = await open({ flags: { newCheckout: { $cohort: { rules, defaultValue: false } } } });
    const details = await client.getBooleanDetails('newCheckout', true, { targetingKey: 'u-1' });
    expect(details).toMatchObject({ value: false, reason: 'DEFAULT', flagMetadata: { ruleId: 'nobody' } });
  });

  it('has the default of the code if neither the server nor the schema has a value', async () => {
    const { client } = await open();
    const details = await client.getStringDetails('banner', 'from the code');
    expect(details).toMatchObject({ value: 'from the code', reason: 'DEFAULT' });
    expect([details.variant, details.errorCode]).toEqual([undefined, undefined]);
  });

  it('also exists for limits and public values, and never for secrets', async () => {
    const { client } = await open({ limits: { cartItems: 250 }, secrets: { paymentKey: 'hidden' } });
    expect(await client.getNumberDetails('cartItems', 0)).toMatchObject({ value: 100, variant: '100' });
    expect(await client.getStringDetails('supportEmail', '')).toMatchObject({
      value: 'help@example.com',
      reason: 'DEFAULT',
    });
    const [secret, unknown] = await Promise.all(
      ['paymentKey', 'noSuchKey'].map((key) => client.getStringDetails(key, 'none')),
    );
    expect(secret).toMatchObject({ value: 'none', errorCode: 'FLAG_NOT_FOUND' });
    expect(secret?.errorMessage?.replace('paymentKey', 'noSuchKey')).toBe(unknown?.errorMessage);
  });

  it('is a TYPE_MISMATCH for another type, and for an instance of a class', async () => {
    const { client } = await open();
    expect(await client.getStringDetails('newCheckout', 'none')).toMatchObject({
      errorCode: 'TYPE_MISMATCH',
      errorMessage:
        '"newCheckout" has a value of type boolean, not string: read it with the method for that type.',
    });
    expect(await client.getObjectDetails('opening', {})).toMatchObject({ errorCode: 'TYPE_MISMATCH' });
  });

  it('keeps the last valid value as STALE while the stored one is invalid', async () => {
    // A test client would refuse the value.
    const rest = { environment: 'test', public: {}, secret: {}, limits: {}, segments: {} };
    let send: (revision: string, theme: string) => void = () => undefined;
    const source: RulesetSource = {
      start: (sink) => {
        send = (revision, theme) => sink.replace({ ...rest, revision, flags: { theme } });
        send('1', 'dark');
        return Promise.resolve();
      },
      stop: () => undefined,
    };
    const live = await createConfigClient({ config: shopConfig, source, overrides: false }).ready();
    await OpenFeature.setProviderAndWait(new SmooConfigProvider(live));
    const client = OpenFeature.getClient();
    send('2', 'purple');
    expect(await client.getStringDetails('theme', 'none')).toMatchObject({
      value: 'dark',
      reason: 'STALE',
      flagMetadata: { errorCode: 'ERR_VALUE_INVALID' },
    });
  });

  it('takes names and metadata from the options', async () => {
    const { client } = await open(
      {},
      {
        variants: { layout: { narrow: { columns: [1] } } },
        flagMetadata: (key, { revision }) => ({ owner: `team of ${key}`, revision: revision ?? '' }),
      },
    );
    const details = await client.getObjectDetails('layout', {});
    expect(details.variant).toBe('narrow');
    expect(details.flagMetadata).toEqual({ owner: 'team of layout', revision: '1' });
  });
});

describe('the context', () => {
  const flags = { theme: targeted('dark', 'light') as never };

  it('keeps its own userId beside a targetingKey', async () => {
    const { client } = await open({ flags });
    const context = { targetingKey: 'someone', userId: 'insider' };
    expect(await client.getStringValue('theme', 'none', context)).toBe('dark');
  });

  it('carries dates at any depth as date-times', async () => {
    const when = { attribute: 'account.createdAt', op: 'before', values: ['2026-01-01T00:00:00Z'] } as const;
    const rules = [{ id: 'old', when, value: true }];
    const { client } = await open({
      flags: { newCheckout: { $cohort: { rules: rules as never, defaultValue: false } } },
    });
    const read = (year: number) =>
      client.getBooleanValue('newCheckout', false, { account: { createdAt: new Date(Date.UTC(year, 1)) } });
    expect([await read(2025), await read(2027)]).toEqual([true, false]);
  });
});

describe('the provider', () => {
  it('passes tracked events on', async () => {
    const events: unknown[] = [];
    const { client } = await open({}, { onTrack: (event) => events.push(event) });
    client.track('checkout', { targetingKey: 'u-1' }, { value: 9.99 });
    expect(events).toEqual([
      { name: 'checkout', context: { targetingKey: 'u-1' }, details: { value: 9.99 } },
    ]);
  });

  it('says which keys changed, without secrets', async () => {
    const { client, source } = await open();
    const changes: unknown[] = [];
    client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(event?.flagsChanged));
    source.set({ flags: { newCheckout: true }, secrets: { paymentKey: 'rotated' } });
    source.set({ secrets: { paymentKey: 'rotated again' } });
    await OpenFeature.setProviderAndWait(new InMemoryProvider());
    source.set({ flags: { newCheckout: false } });
    expect(changes).toEqual([['newCheckout']]);
  });

  it('decides first beside another provider, which decides what it does not know', async () => {
    const old = new InMemoryProvider({
      legacy: { variants: { on: true }, defaultVariant: 'on', disabled: false },
    });
    const source = createTestClient({ config: shopConfig, flags: { newCheckout: true } });
    const providers = [{ provider: new SmooConfigProvider(source) }, { provider: old }];
    await OpenFeature.setProviderAndWait(new MultiProvider(providers, new FirstMatchStrategy()));
    const client = OpenFeature.getClient();
    expect(await client.getBooleanDetails('newCheckout', false)).toMatchObject({
      value: true,
      reason: 'STATIC',
    });
    expect(await client.getBooleanValue('legacy', false)).toBe(true);
  });

  it('can be compared with another provider, which stays in charge', async () => {
    const old = new InMemoryProvider({
      newCheckout: { variants: { no: false }, defaultVariant: 'no', disabled: false },
    });
    const source = createTestClient({ config: shopConfig, flags: { newCheckout: true } });
    const mismatches: unknown[] = [];
    const strategy = new ComparisonStrategy(old, (results) => {
      mismatches.push(results.map((result) => 'details' in result && result.details.value));
    });
    const providers = [{ provider: new SmooConfigProvider(source) }, { provider: old }];
    await OpenFeature.setProviderAndWait(new MultiProvider(providers, strategy));
    expect(await OpenFeature.getClient().getBooleanValue('newCheckout', true)).toBe(false);
    expect(mismatches).toEqual([[true, false]]);
  });
});

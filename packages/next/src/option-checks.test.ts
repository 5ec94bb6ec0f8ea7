import { isConfigError, OptionsError } from '@smooai/config';
import { createTestClient } from '@smooai/config/testing';
import { describe, expect, it } from 'vitest';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { createNextConfig } from './server.ts';
import { shopConfig } from './test-support/shop-config.ts';

const config = shopConfig();
const wrong: [option: string, message: RegExp, options: object][] = [
  ['config', /defineConfig\(\)/, { config: {} }],
  ['config', /defineConfig\(\)/, { config: null }],
  ['readyTimeoutMs', /milliseconds above 0/, { readyTimeoutMs: '5s' }],
  ['readyTimeoutMs', /milliseconds above 0/, { readyTimeoutMs: 0 }],
  ['readyTimeoutMs', /milliseconds above 0/, { readyTimeoutMs: Number.NaN }],
  ['clientOptions', /an object/, { clientOptions: null }],
  ['context', /a function/, { context: { userId: 'u-1' } }],
  ['browserKeys', /an array of names/, { browserKeys: 'newCheckout' }],
  ['browserKeys', /an array of names/, { browserKeys: [1] }],
  ['browserKeys', /"checkout", which is not a public value, flag or limit/, { browserKeys: ['checkout'] }],
  ['browserKeys', /"paymentKey", which is not/, { browserKeys: ['theme', 'paymentKey'] }],
  ['revalidate', /an object/, { revalidate: null }],
  ['revalidate', /an object/, { revalidate: 'a-secret-of-the-tests' }],
];

describe('createNextConfig throws at once, and names the option', () => {
  it.each(wrong)('for a wrong "%s": %s', (option, message, options) => {
    const attempt = () => createNextConfig({ config, ...options } as Parameters<typeof createNextConfig>[0]);
    const error = thrownBy(attempt);
    expect(error).toMatchObject({ option, message: expect.stringMatching(message) });
    expect(error.message).not.toContain('a-secret-of-the-tests');
  });

  it('also with a client', () => {
    const client = createTestClient({ config });
    expect(thrownBy(() => createNextConfig({ client, browserKeys: ['paymentKey' as never] })).option).toBe(
      'browserKeys',
    );
  });
});

it('createSnapshotRouteHandler throws for wrong keys and a wrong context', () => {
  const client = createTestClient({ config });
  expect(thrownBy(() => createSnapshotRouteHandler({ client, keys: ['paymentKey'] })).option).toBe('keys');
  expect(thrownBy(() => createSnapshotRouteHandler({ client, context: {} as never })).option).toBe('context');
});

it('flags says that it wants an array', async () => {
  const { flags } = createNextConfig({ client: createTestClient({ config }) });
  await expect(flags('newCheckout' as never)).rejects.toThrow(/pass an array of names/);
});

it('a wrong time-out does not stay with the client of the process after it is corrected', async () => {
  const clientOptions = {
    apiUrl: 'http://127.0.0.1:9',
    authUrl: 'http://127.0.0.1:9',
    clientId: 'id',
    clientSecret: 'word',
    organizationId: 'org',
    environment: 'development',
    allowInsecureHttp: true,
    bundled: { defaults: { flags: { newCheckout: true } } as never },
  };
  expect(thrownBy(() => createNextConfig({ config, clientOptions, readyTimeoutMs: -1 })).option).toBe(
    'readyTimeoutMs',
  );
  const next = createNextConfig({ config, clientOptions, readyTimeoutMs: 1 });
  expect(await next.flag('newCheckout')).toBe(true);
  await (await next.client()).close();
});

function thrownBy(attempt: () => unknown): OptionsError {
  try {
    attempt();
  } catch (error) {
    if (isConfigError(error) && error instanceof OptionsError) return error;
    throw error;
  }
  throw new Error('It did not throw.');
}

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { getSharedTokenProvider, type SharedTokenProviderOptions } from '../server.ts';
import { tokenResponse } from '../test-support/token-fixture.ts';

let clients = 0;

function optionsOf(more: Partial<SharedTokenProviderOptions> = {}): SharedTokenProviderOptions {
  return {
    authUrl: 'https://auth.example.com',
    clientId: `client-${clients}`,
    clientSecret: 'hunter-two',
    ...more,
  };
}

describe('getSharedTokenProvider', () => {
  it('returns the same provider for equal options, in any order', async () => {
    clients += 1;
    let exchanges = 0;
    const fetch: typeof globalThis.fetch = async () => {
      exchanges += 1;
      return tokenResponse('t1');
    };
    const one = getSharedTokenProvider(optionsOf({ fetch, extraParameters: { a: '1', b: '2' } }));
    const { authUrl, ...rest } = optionsOf({ extraParameters: { b: '2', a: '1' }, fetch, scope: undefined });
    const two = getSharedTokenProvider({ ...rest, authUrl });
    expect(two).toBe(one);
    await Promise.all([one.getAccessToken(), two.getAccessToken()]);
    expect(exchanges).toBe(1);
  });

  it.each<[string, Partial<SharedTokenProviderOptions>]>([
    ['another secret', { clientSecret: 'other' }],
    ['a secret function', { clientSecret: () => 'hunter-two' }],
    ['another scope', { scope: 'b' }],
    ['another fetch', { fetch: async () => tokenResponse('t1') }],
    ['another parameter', { extraParameters: { a: '2' } }],
    ['another issuer', { authUrl: 'https://auth2.example.com' }],
    ['another client', { clientId: 'another' }],
    ['another audience', { audience: 'b' }],
    ['another resource', { resource: 'https://api.example.com' }],
    ['credentials elsewhere', { credentialsIn: 'basic' }],
    ['another refresh window', { refreshWindowSec: 1 }],
    ['another time limit', { timeoutMs: 1 }],
    ['another deadline', { deadlineMs: 1 }],
    ['another number of attempts', { maxAttempts: 1 }],
    ['plain http', { allowInsecureHttp: true }],
    ['waiting when throttled', { waitWhenThrottled: true }],
    ['a hook for events', { onEvent: () => undefined }],
    ['a hook for background work', { waitUntil: () => undefined }],
    ['a key', { key: 'key-of-another' }],
  ])('returns another provider for %s', (_, more) => {
    clients += 1;
    const options = optionsOf({ scope: 'a', extraParameters: { a: '1' } });
    const one = getSharedTokenProvider(options);
    expect(getSharedTokenProvider({ ...options, ...more })).not.toBe(one);
    expect(getSharedTokenProvider({ ...options })).toBe(one);
  });

  it('finds an existing provider by its key', () => {
    clients += 1;
    const one = getSharedTokenProvider(optionsOf({ key: 'billing' }));
    expect(getSharedTokenProvider('billing')).toBe(one);
    expect(getSharedTokenProvider(optionsOf({ key: 'billing' }))).toBe(one);
    expect(() => getSharedTokenProvider(optionsOf({ key: 'billing', clientSecret: 'other' }))).toThrow(
      expect.objectContaining({ code: 'ERR_OPTIONS_INVALID', option: 'key' }),
    );
    expect(() => getSharedTokenProvider('unknown')).toThrow(expect.objectContaining({ option: 'key' }));
  });

  it('forgets a provider without a key after a hundred others', () => {
    clients += 1;
    const [first, used, named] = [optionsOf(), optionsOf({ scope: 'used' }), optionsOf({ key: 'named' })];
    const before = [first, used, named].map(getSharedTokenProvider);
    for (let call = 0; call < 150; call++) {
      getSharedTokenProvider(optionsOf({ clientSecret: () => 'hunter-two' }));
      getSharedTokenProvider(used);
    }
    expect(getSharedTokenProvider(used)).toBe(before[1]);
    expect(getSharedTokenProvider('named')).toBe(before[2]);
    expect(getSharedTokenProvider(first)).not.toBe(before[0]);
  });

  it('keeps a provider without a key while fewer than a hundred others are used, however often', () => {
    clients += 1;
    const first = getSharedTokenProvider(optionsOf());
    for (let call = 0; call < 150; call++) getSharedTokenProvider(optionsOf({ scope: 'used' }));
    for (let other = 1; other < 99; other++) getSharedTokenProvider(optionsOf({ scope: `other-${other}` }));
    expect(getSharedTokenProvider(optionsOf())).toBe(first);
  });

  it('does not expose the secret in the global registry', () => {
    getSharedTokenProvider(optionsOf());
    const symbols = Object.getOwnPropertySymbols(globalThis).map((symbol) => Reflect.get(globalThis, symbol));
    expect(inspect(symbols, { depth: 9, showHidden: true, maxArrayLength: null })).not.toContain(
      'hunter-two',
    );
  });
});

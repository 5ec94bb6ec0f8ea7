import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bodyOf, failureOf, setUp, tokenResponse } from '../test-support/token-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function basicOf(fetch: ReturnType<typeof setUp>['fetch']): string {
  const header = new Headers(fetch.mock.calls[0]?.[1]?.headers).get('authorization') ?? '';
  return Buffer.from(header.replace('Basic ', ''), 'base64').toString('utf8');
}

describe('credentials', () => {
  it('are form-encoded in HTTP Basic, and then left out of the body', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], {
      credentialsIn: 'basic',
      clientId: 'client: 1',
    });
    await provider.getAccessToken();
    expect(basicOf(fetch)).toBe('client%3A+1:s3cret%2B%2F%26%3D%C3%BC');
    expect(Object.fromEntries(bodyOf(fetch))).toEqual({
      grant_type: 'client_credentials',
      provider: 'client_credentials',
    });
  });

  it('are not form-encoded with basic-raw', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], { credentialsIn: 'basic-raw' });
    await provider.getAccessToken();
    expect(basicOf(fetch)).toBe('client-1:s3cret+/&=ü');
    expect(() => setUp([], { credentialsIn: 'basic-raw', clientId: 'a:b' })).toThrow('colon');
  });

  it('from a function leave no timer', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], { clientSecret: async () => 's3cret' });
    await provider.getAccessToken();
    expect(vi.getTimerCount()).toBe(0);
    // In the background too, where no caller leaves the exchange.
    await vi.advanceTimersByTimeAsync(3_590_000);
    await provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(0);
    expect([fetch.mock.calls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });

  it('come from a function, called for each attempt', async () => {
    const secrets = ['old\n', 'new'];
    const { provider, fetch } = setUp([new TypeError('fetch failed'), tokenResponse('t1')], {
      maxAttempts: 2,
      clientSecret: async () => secrets.shift() ?? '',
    });
    const call = provider.getAccessToken();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await call).toBe('t1');
    expect([0, 1].map((attempt) => bodyOf(fetch, attempt).get('client_secret'))).toEqual(['old', 'new']);
  });

  it.each<[string, () => string | Promise<string>]>([
    [
      'failed',
      () => {
        throw new Error('leak-/run/secrets/x');
      },
    ],
    ['failed', async () => Promise.reject(new Error('leak-/run/secrets/x'))],
    ['did not return a non-empty string', () => ''],
    ['did not return a non-empty string', () => ' \r\n'],
    ['did not return a non-empty string', () => 7 as unknown as string],
  ])('are refused if the function %s', async (problem, clientSecret) => {
    const { provider, fetch } = setUp([tokenResponse('t1')], { clientSecret, maxAttempts: 4 });
    const error = await failureOf(provider.getAccessToken());
    expect(error).toMatchObject({ code: 'ERR_OPTIONS_INVALID', option: 'clientSecret' });
    expect(error.message).toContain(`function ${problem}`);
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toContain('leak-');
    expect(fetch).not.toHaveBeenCalled();
  });

  it('are waited for within the time limit of an attempt', async () => {
    const { provider } = setUp([], {
      clientSecret: () => new Promise(() => undefined),
      timeoutMs: 300,
    });
    const failure = failureOf(provider.getAccessToken());
    await vi.advanceTimersByTimeAsync(300);
    const error = await failure;
    expect(error).toMatchObject({ reason: 'timeout', cause: { code: 'ETIMEDOUT' } });
    expect(error.message).toContain('the clientSecret function did not return within 300 ms');
  });

  it('leave the rest of the time limit to the request', async () => {
    const { provider, fetch } = setUp([new Promise(() => undefined)], {
      clientSecret: () => new Promise((resolve) => void setTimeout(() => resolve('s3cret'), 200)),
      timeoutMs: 300,
    });
    const failure = failureOf(provider.getAccessToken());
    let isOver = false;
    void failure.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(298);
    expect([isOver, fetch.mock.calls.length]).toEqual([false, 1]);
    await vi.advanceTimersByTimeAsync(4);
    expect([isOver, (await failure).reason]).toEqual([true, 'timeout']);
  });

  it('lose the line break at their end, and no other', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], { clientSecret: () => 'two\nlines\r\n' });
    await provider.getAccessToken();
    expect(bodyOf(fetch).get('client_secret')).toBe('two\nlines');
  });

  it('that do not come before the caller leaves leave no timer', async () => {
    const abort = new AbortController();
    const { provider } = setUp([], { clientSecret: () => new Promise(() => undefined), timeoutMs: 300 });
    const failure = failureOf(provider.getAccessToken({ signal: abort.signal }));
    await vi.advanceTimersByTimeAsync(1);
    abort.abort();
    expect(await failure).toMatchObject({ reason: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('parameters', () => {
  it('are sent in the form', async () => {
    const { provider, fetch } = setUp([tokenResponse('t1')], {
      scope: ['config:read', 'config:write'],
      audience: 'https://api.example.com',
      resource: ['https://one.example', 'https://two.example'],
      extraParameters: { tenant: 'a b', provider: 'other' },
    });
    await provider.getAccessToken();
    expect([...bodyOf(fetch)]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'config:read config:write'],
      ['audience', 'https://api.example.com'],
      ['resource', 'https://one.example'],
      ['resource', 'https://two.example'],
      ['tenant', 'a b'],
      ['provider', 'other'],
      ['client_id', 'client-1'],
      ['client_secret', 's3cret+/&=ü'],
    ]);
  });

  it('cannot be set twice', () => {
    expect(() => setUp([], { scope: 'a', extraParameters: { scope: 'b' } })).toThrow('another option');
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AuthenticatedRequester } from '../api/authenticated-requester.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import {
  type Fault,
  faults,
  JWT_RESOURCE,
  OIDC_CLIENTS,
  type OidcIssuer,
  startOidcIssuer,
} from '../test-support/oidc-issuer.ts';
import type { TokenEvent } from './token-monitor.ts';
import type { TokenProviderOptions } from './token-options.ts';
import { TokenProvider } from './token-provider.ts';

// The provider and the request layer against an OAuth issuer that others wrote.

async function startIssuer(ttlSec = 60): Promise<OidcIssuer> {
  // It warns of its store, which is in memory, for each one that is made.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  onTestFinished(() => warn.mockRestore());
  const issuer = await startOidcIssuer({ ttlSec });
  onTestFinished(() => issuer.close());
  return issuer;
}

function providerOf(issuer: OidcIssuer, options: Partial<TokenProviderOptions> = {}) {
  const events: TokenEvent[] = [];
  const onEvent = (event: TokenEvent): void => void events.push(event);
  const provider = new TokenProvider({ authUrl: issuer.url, ...OIDC_CLIENTS.form, onEvent, ...options });
  return { provider, events };
}

/** An API that takes what the issuer calls active, and a requester for it. */
async function startApi(issuer: OidcIssuer, provider: TokenProvider) {
  const refused: string[] = [];
  const server = await startLoopbackServer(async (request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (await issuer.isActive(token)) return sendJson(response, 200, { ok: true });
    refused.push(token);
    sendJson(response, 401, { message: 'The token is not active.' });
  });
  onTestFinished(() => server.close());
  const requester = new AuthenticatedRequester({ apiUrl: server.url, tokenProvider: provider, retries: 0 });
  return { refused, call: async () => (await requester.json({ method: 'GET', path: ['things'] })).body };
}

describe('ways in', () => {
  it.each<[string, Partial<TokenProviderOptions>]>([
    ['an opaque token by form', {}],
    ['an opaque token by Basic', { ...OIDC_CLIENTS.basic, credentialsIn: 'basic' }],
    ['an opaque token by raw Basic', { ...OIDC_CLIENTS.plain, credentialsIn: 'basic-raw' }],
    ['a JWT by form', { resource: JWT_RESOURCE }],
    ['a JWT by Basic', { ...OIDC_CLIENTS.basic, credentialsIn: 'basic', resource: JWT_RESOURCE }],
    ['a scope', { scope: 'config:read' }],
    ['a secret read by a function', { clientSecret: async () => OIDC_CLIENTS.form.clientSecret }],
  ])('%s', async (_, options) => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer, options);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => provider.getAccessToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(issuer.exchanges).toHaveLength(1);
    const [token = ''] = tokens;
    expect(token.split('.')).toHaveLength(options.resource === undefined ? 1 : 3);
    expect(await issuer.isActive(token)).toBe(true);
    const { call } = await startApi(issuer, provider);
    expect(await call()).toEqual({ ok: true });
  });

  it('form-encodes what stands in Basic: this issuer refuses it as it is', async () => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer, { ...OIDC_CLIENTS.basic, credentialsIn: 'basic-raw' });
    await expect(provider.getAccessToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_REJECTED',
      status: 400,
    });
  });
});

describe('refusals', () => {
  it.each<[string, Partial<TokenProviderOptions>, number, string]>([
    ['a wrong secret', { clientSecret: 'wrong' }, 401, 'invalid_client'],
    ['an unknown client', { clientId: 'nobody' }, 401, 'invalid_client'],
    ['a scope that is not the client’s', { scope: 'config:write' }, 400, 'invalid_scope'],
  ])('%s is one request, and one error for every waiter', async (_, options, status, error) => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer, options);
    const settled = await Promise.allSettled(Array.from({ length: 50 }, () => provider.getAccessToken()));
    for (const outcome of settled) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_TOKEN_REJECTED', status, error, errorDescription: expect.any(String) },
      });
    }
    expect(issuer.exchanges).toHaveLength(1);
  });

  it('reads a rotated secret anew', async () => {
    const issuer = await startIssuer();
    let secret = 'of yesterday';
    const { provider } = providerOf(issuer, { clientSecret: () => secret });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ error: 'invalid_client' });
    secret = OIDC_CLIENTS.form.clientSecret;
    expect(await issuer.isActive(await provider.getAccessToken())).toBe(true);
  });
});

describe('a token life of 2 s', () => {
  it.each([
    ['an opaque', {}],
    ['a JWT', { resource: JWT_RESOURCE }],
  ])(
    'serves %s token no longer than it was given for, and exchanges about once a life',
    async (_, options) => {
      const issuer = await startIssuer(2);
      const { provider } = providerOf(issuer, options);
      const { call } = await startApi(issuer, provider);
      const issuedAt = new Map<string, number>();
      const oldest: number[] = [];
      const endsAt = Date.now() + 5_000;
      while (Date.now() < endsAt) {
        const token = await provider.getAccessToken();
        const now = Date.now();
        if (!issuedAt.has(token)) issuedAt.set(token, issuer.exchanges.at(-1)?.at ?? 0);
        oldest.push(now - (issuedAt.get(token) ?? 0));
        // The issuer's times are whole seconds, so it may refuse a token up to a second early: that is refreshed unseen.
        expect(await Promise.all([call(), call(), call()])).toEqual(Array(3).fill({ ok: true }));
        await sleep(25);
      }
      expect(oldest.length).toBeGreaterThan(10);
      expect(Math.max(...oldest)).toBeLessThanOrEqual(2_000);
      expect(issuer.exchanges.length).toBeGreaterThanOrEqual(3);
      expect(issuer.exchanges.length).toBeLessThanOrEqual(7);
    },
    20_000,
  );

  it('keeps nobody waiting while it is replaced', async () => {
    const issuer = await startIssuer(2);
    const { provider } = providerOf(issuer);
    const first = await provider.getAccessToken();
    let release: () => void = () => undefined;
    issuer.beforeExchange = () => new Promise<void>((resolve) => (release = resolve));
    await expect
      .poll(async () => [await provider.getAccessToken(), issuer.exchanges.length], {
        timeout: 5_000,
        interval: 10,
      })
      .toEqual([first, 2]);
    // The exchange hangs now.
    expect(await Promise.all(Array.from({ length: 100 }, () => provider.getAccessToken()))).toEqual(
      Array(100).fill(first),
    );
    expect(issuer.exchanges).toHaveLength(2);
    release();
    await expect.poll(() => provider.getAccessToken(), { timeout: 5_000 }).not.toBe(first);
  }, 15_000);
});

describe('revocation', () => {
  it('costs one exchange, however many requests are refused', async () => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer);
    const { call, refused } = await startApi(issuer, provider);
    await call();
    const first = await provider.getAccessToken();
    await issuer.revoke(first);
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        await sleep(index * 3);
        return call();
      }),
    );
    expect(answers).toEqual(Array(30).fill({ ok: true }));
    expect(new Set(refused)).toEqual(new Set([first]));
    expect(issuer.exchanges).toHaveLength(2);
  });
});

describe('an issuer that fails', () => {
  const passing: [string, Fault][] = [
    ['answers 503', faults.unavailable],
    ['resets the connection', faults.reset],
    ['hangs', faults.hang],
    ['hangs within its answer', faults.hangWithin],
  ];

  it.each(passing)('and %s is asked again, once for all callers', async (_, fault) => {
    const issuer = await startIssuer();
    issuer.faults.push(fault);
    const { provider, events } = providerOf(issuer, { timeoutMs: 500 });
    const tokens = await Promise.all(Array.from({ length: 50 }, () => provider.getAccessToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(await issuer.isActive(tokens[0] ?? '')).toBe(true);
    expect(issuer.exchanges).toHaveLength(2);
    expect(events.map(({ type }) => type)).toEqual([
      'exchange-started',
      'exchange-failed',
      'exchange-started',
      'exchange-succeeded',
    ]);
  });

  it.each<[string, Fault, object]>([
    ['answers 503', faults.unavailable, { code: 'ERR_TOKEN_REJECTED', status: 503 }],
    ['resets the connection', faults.reset, { code: 'ERR_TOKEN_TRANSPORT', reason: 'reset' }],
    ['hangs', faults.hang, { code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' }],
    ['hangs within its answer', faults.hangWithin, { code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' }],
    ['answers HTML', faults.html, { code: 'ERR_TOKEN_MALFORMED', reason: 'not-json' }],
    ['answers 10 MB', faults.huge, { code: 'ERR_TOKEN_MALFORMED', reason: 'too-large' }],
  ])(
    'and %s is one of our errors where there are no retries, and kept from nobody after',
    async (_, fault, error) => {
      const issuer = await startIssuer();
      issuer.faults.push(fault);
      const { provider } = providerOf(issuer, { timeoutMs: 500, maxAttempts: 1 });
      const settled = await Promise.allSettled([provider.getAccessToken(), provider.getAccessToken()]);
      expect(settled).toMatchObject([{ reason: error }, { reason: error }]);
      expect(issuer.exchanges).toHaveLength(1);
      expect(await issuer.isActive(await provider.getAccessToken())).toBe(true);
    },
  );

  it('is given up at the deadline', async () => {
    const issuer = await startIssuer();
    issuer.faults.push(...Array<Fault>(50).fill(faults.hang));
    const { provider } = providerOf(issuer, { timeoutMs: 200, deadlineMs: 700 });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ reason: 'timeout' });
    expect(issuer.exchanges.length).toBeGreaterThanOrEqual(2);
    expect(issuer.exchanges.length).toBeLessThanOrEqual(4);
  });

  it.each([
    ['seconds', () => '60'],
    ['a date', () => new Date(Date.now() + 60_000).toUTCString()],
  ])(
    'and answers 429 with Retry-After in %s is left alone, and callers fail at once',
    async (_, retryAfter) => {
      const issuer = await startIssuer();
      issuer.faults.push(faults.throttled(retryAfter()));
      const { provider } = providerOf(issuer);
      for (let call = 0; call < 20; call++) {
        const error: unknown = await provider.getAccessToken().catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'ERR_TOKEN_THROTTLED', status: 429 });
        expect(error).toHaveProperty('retryAfterMs', expect.any(Number));
        expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(30_000);
      }
      expect(issuer.exchanges).toHaveLength(1);
    },
  );

  it('and answers 429 is asked again in time by those that wait', async () => {
    const issuer = await startIssuer();
    issuer.faults.push(faults.throttled('1'));
    const { provider } = providerOf(issuer, { waitWhenThrottled: true });
    const tokens = await Promise.all([provider.getAccessToken(), provider.getAccessToken()]);
    expect(new Set(tokens).size).toBe(1);
    const [first, second, ...more] = issuer.exchanges;
    expect(more).toEqual([]);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('is not noticed by callers while the old token lives', async () => {
    const issuer = await startIssuer(2);
    const { provider, events } = providerOf(issuer);
    const first = await provider.getAccessToken();
    issuer.faults.push(faults.unavailable);
    await expect
      .poll(async () => [await provider.getAccessToken(), issuer.faults.length], {
        timeout: 5_000,
        interval: 10,
      })
      .toEqual([first, 0]);
    await expect
      .poll(() => events.some(({ type }) => type === 'exchange-failed'), { timeout: 3_000 })
      .toBe(true);
    expect(provider.status().attempts.failed).toBe(1);
    await expect.poll(() => provider.getAccessToken(), { timeout: 5_000, interval: 10 }).not.toBe(first);
  }, 15_000);
});

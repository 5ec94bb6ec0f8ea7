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

// The provider and the request layer against oidc-provider, an independent OAuth issuer.

async function startIssuer(ttlSec = 60): Promise<OidcIssuer> {
  // Each issuer warns that its store is in memory.
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

/** An API that accepts the tokens that the issuer calls active, and a requester for it. */
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

/** Stops the wall clock, for the provider and the issuer alike. Returns a function that sets it forward. */
function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => void vi.setSystemTime(Date.now() + ms);
}

const TIMEOUT_MS = 60_000;

/** A fault after which the provider's attempt times out, without the wait. Needs {@link fakeTimeouts}. */
function timingOut(fault: Fault): Fault {
  return async (request, response) => {
    await fault(request, response);
    // Time for the part of a response that was sent to arrive.
    await sleep(20);
    vi.advanceTimersByTime(TIMEOUT_MS);
  };
}

/** Lets timers advance with real time, and by `TIMEOUT_MS` in a {@link timingOut} fault. */
function fakeTimeouts(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
}

describe('an exchange', () => {
  it.each<[string, Partial<TokenProviderOptions>]>([
    ['an opaque token with credentials in the form', {}],
    ['an opaque token with HTTP Basic', { ...OIDC_CLIENTS.basic, credentialsIn: 'basic' }],
    ['an opaque token with raw HTTP Basic', { ...OIDC_CLIENTS.plain, credentialsIn: 'basic-raw' }],
    ['a JWT with credentials in the form', { resource: JWT_RESOURCE }],
    ['a JWT with HTTP Basic', { ...OIDC_CLIENTS.basic, credentialsIn: 'basic', resource: JWT_RESOURCE }],
    ['a token for a scope', { scope: 'config:read' }],
    ['a token with a secret function', { clientSecret: async () => OIDC_CLIENTS.form.clientSecret }],
  ])('gets %s, once for 100 callers', async (_, options) => {
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

  it('needs form-encoding in HTTP Basic: this issuer refuses raw credentials', async () => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer, { ...OIDC_CLIENTS.basic, credentialsIn: 'basic-raw' });
    await expect(provider.getAccessToken()).rejects.toMatchObject({
      code: 'ERR_TOKEN_REJECTED',
      status: 400,
    });
  });
});

describe('a refusal', () => {
  it.each<[string, Partial<TokenProviderOptions>, number, string]>([
    ['a wrong secret', { clientSecret: 'wrong' }, 401, 'invalid_client'],
    ['an unknown client', { clientId: 'nobody' }, 401, 'invalid_client'],
    ['a scope that the client may not request', { scope: 'config:write' }, 400, 'invalid_scope'],
  ])('of %s costs one request and reaches every caller', async (_, options, status, error) => {
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

  it('is over as soon as the secret function returns the rotated secret', async () => {
    const issuer = await startIssuer();
    let secret = 'the old secret';
    const { provider } = providerOf(issuer, { clientSecret: () => secret });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ error: 'invalid_client' });
    secret = OIDC_CLIENTS.form.clientSecret;
    expect(await issuer.isActive(await provider.getAccessToken())).toBe(true);
  });
});

describe('a lifetime of 20 s', () => {
  it.each([
    ['an opaque', {}],
    ['a JWT', { resource: JWT_RESOURCE }],
  ])('ends the use of %s token, with about one exchange per lifetime', async (_, options) => {
    const advance = stopClock();
    const issuer = await startIssuer(20);
    const { provider } = providerOf(issuer, options);
    const { call } = await startApi(issuer, provider);
    const issuedAt = new Map<string, number>();
    const ages: number[] = [];
    for (let step = 0; step < 100; step++) {
      const calledAt = Date.now();
      const token = await provider.getAccessToken();
      if (!issuedAt.has(token)) issuedAt.set(token, issuer.exchanges.at(-1)?.at ?? 0);
      ages.push(calledAt - (issuedAt.get(token) ?? 0));
      expect(await Promise.all([call(), call(), call()])).toEqual(Array(3).fill({ ok: true }));
      advance(1_000);
    }
    expect(Math.max(...ages)).toBeLessThan(20_000);
    // 100 s; the refresh window begins after two thirds of a lifetime or later.
    expect(issuer.exchanges.length).toBeGreaterThanOrEqual(5);
    expect(issuer.exchanges.length).toBeLessThanOrEqual(8);
  });

  it('never makes callers wait for a refresh', async () => {
    const advance = stopClock();
    const issuer = await startIssuer(20);
    const { provider } = providerOf(issuer);
    const first = await provider.getAccessToken();
    let release: () => void = () => undefined;
    issuer.beforeExchange = () => new Promise<void>((resolve) => (release = resolve));
    advance(16_000);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => provider.getAccessToken()));
    expect(tokens).toEqual(Array(100).fill(first));
    await expect.poll(() => issuer.exchanges.length).toBe(2);
    expect(await provider.getAccessToken()).toBe(first);
    release();
    await expect.poll(() => provider.getAccessToken()).not.toBe(first);
    expect(issuer.exchanges).toHaveLength(2);
  });

  it('hides a failed refresh from callers', async () => {
    const advance = stopClock();
    const issuer = await startIssuer(20);
    const { provider, events } = providerOf(issuer);
    const first = await provider.getAccessToken();
    issuer.faults.push(faults.unavailable);
    advance(16_000);
    expect(await provider.getAccessToken()).toBe(first);
    await expect.poll(() => events.some(({ type }) => type === 'exchange-failed')).toBe(true);
    expect(provider.status().attempts.failed).toBe(1);
    expect(await provider.getAccessToken()).toBe(first);
    advance(4_000);
    expect(await provider.getAccessToken()).not.toBe(first);
  });
});

describe('revocation', () => {
  it('costs one exchange, however many requests are refused', async () => {
    const issuer = await startIssuer();
    const { provider } = providerOf(issuer);
    const { call, refused } = await startApi(issuer, provider);
    await call();
    const first = await provider.getAccessToken();
    await issuer.revoke(first);
    const bodies = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        await sleep(index * 3);
        return call();
      }),
    );
    expect(bodies).toEqual(Array(30).fill({ ok: true }));
    expect(new Set(refused)).toEqual(new Set([first]));
    expect(issuer.exchanges).toHaveLength(2);
  });
});

describe('an issuer that fails', () => {
  it.each<[string, Fault]>([
    ['returns 503', faults.unavailable],
    ['resets the connection', faults.reset],
    ['hangs', timingOut(faults.hang)],
    ['hangs within its response', timingOut(faults.hangWithin)],
  ])('and %s is retried, once for all callers', async (_, fault) => {
    fakeTimeouts();
    const issuer = await startIssuer();
    issuer.faults.push(fault);
    const { provider, events } = providerOf(issuer, { timeoutMs: TIMEOUT_MS, deadlineMs: 2 * TIMEOUT_MS });
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
    ['returns 503', faults.unavailable, { code: 'ERR_TOKEN_REJECTED', status: 503 }],
    ['resets the connection', faults.reset, { code: 'ERR_TOKEN_TRANSPORT', reason: 'reset' }],
    ['hangs', timingOut(faults.hang), { code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' }],
    [
      'hangs within its response',
      timingOut(faults.hangWithin),
      { code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' },
    ],
    ['returns HTML', faults.html, { code: 'ERR_TOKEN_MALFORMED', reason: 'not-json' }],
    ['returns 10 MB', faults.huge, { code: 'ERR_TOKEN_MALFORMED', reason: 'too-large' }],
  ])('and %s rejects without retries, and the next call succeeds', async (_, fault, error) => {
    fakeTimeouts();
    const issuer = await startIssuer();
    issuer.faults.push(fault);
    const { provider } = providerOf(issuer, { timeoutMs: TIMEOUT_MS, maxAttempts: 1 });
    const settled = await Promise.allSettled([provider.getAccessToken(), provider.getAccessToken()]);
    expect(settled).toMatchObject([{ reason: error }, { reason: error }]);
    expect(issuer.exchanges).toHaveLength(1);
    expect(await issuer.isActive(await provider.getAccessToken())).toBe(true);
  });

  it('is given up at the deadline, within the last attempt', async () => {
    fakeTimeouts();
    const issuer = await startIssuer();
    issuer.faults.push(...Array<Fault>(50).fill(timingOut(faults.hang)));
    const limits = { timeoutMs: TIMEOUT_MS, deadlineMs: 2.5 * TIMEOUT_MS };
    const { provider } = providerOf(issuer, { ...limits, maxAttempts: 50 });
    await expect(provider.getAccessToken()).rejects.toMatchObject({ reason: 'timeout' });
    expect(issuer.exchanges).toHaveLength(3);
  });

  it.each([
    ['seconds', () => '60'],
    ['a date', () => new Date(Date.now() + 60_000).toUTCString()],
  ])('and returns 429 with Retry-After in %s is not asked again', async (_, retryAfter) => {
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
  });

  it('and returns 429 is asked again after the pause if callers wait', async () => {
    const issuer = await startIssuer();
    issuer.faults.push(faults.throttled('1'));
    const { provider } = providerOf(issuer, { waitWhenThrottled: true });
    const tokens = await Promise.all([provider.getAccessToken(), provider.getAccessToken()]);
    expect(new Set(tokens).size).toBe(1);
    const [first, second, ...more] = issuer.exchanges;
    expect(more).toEqual([]);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });
});

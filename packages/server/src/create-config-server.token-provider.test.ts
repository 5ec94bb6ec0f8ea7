import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigApi, TokenProvider, type TokenProviderOptions } from '@smooai/config/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConfigServer } from './create-config-server.ts';
import { adminOf, postForm, startServer } from './test-support/running-server.ts';

// The token provider and the API client of @smooai/config against this server.

function clientOf(server: ConfigServer, options: Partial<TokenProviderOptions> = {}) {
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = adminOf(server);
  let exchanges = 0;
  const onEvent: TokenProviderOptions['onEvent'] = ({ type }) => {
    if (type === 'exchange-started') exchanges += 1;
  };
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret, onEvent, ...options });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  return { api, tokenProvider, exchanges: () => exchanges };
}

/** Revokes a token (RFC 7009) as its own client. */
async function revoke(server: ConfigServer, token: string): Promise<void> {
  const { clientId, clientSecret } = adminOf(server);
  const form = { token, client_id: clientId, client_secret: clientSecret };
  expect((await postForm(`${server.url}/revoke`, form)).status).toBe(200);
}

describe('TokenProvider of @smooai/config against this server', () => {
  it.each<[string, Partial<TokenProviderOptions>]>([
    ['by form', {}],
    ['by Basic', { credentialsIn: 'basic' }],
    ['by raw Basic', { credentialsIn: 'basic-raw' }],
    ['with a scope', { scope: ['config:read', 'config:write'] }],
    [
      'with a resource and an audience, which this server does not know',
      { resource: 'https://a.example', audience: 'b' },
    ],
  ])('exchanges %s, once for all callers', async (_, options) => {
    const { api, exchanges } = clientOf(await startServer(), options);
    const responses = await Promise.all(Array.from({ length: 50 }, () => api.listEnvironments()));
    for (const environments of responses) expect(environments.length).toBeGreaterThan(0);
    expect(exchanges()).toBe(1);
  });

  it.each<[Partial<TokenProviderOptions>, object]>([
    [{ clientSecret: 'wrong' }, { status: 401, error: 'invalid_client' }],
    [
      { clientSecret: 'wrong', credentialsIn: 'basic' },
      { status: 401, error: 'invalid_client' },
    ],
    [{ clientId: 'nobody' }, { status: 401, error: 'invalid_client' }],
    [{ scope: 'config:everything' }, { status: 400, error: 'invalid_scope' }],
  ])('gives up after one refusal of %j', async (options, error) => {
    const { api, exchanges } = clientOf(await startServer(), options);
    const calls = [api.listEnvironments(), api.listSchemas()];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ reason: { code: 'ERR_TOKEN_REJECTED', ...error } });
    }
    expect(exchanges()).toBe(1);
  });

  it('stops asking when it is throttled after many wrong secrets', async () => {
    const server = await startServer();
    const { tokenProvider, exchanges } = clientOf(server, { clientSecret: 'wrong' });
    let error: unknown;
    for (let call = 0; call < 200; call++) {
      error = await tokenProvider.getAccessToken().catch((reason: unknown) => reason);
      if (error instanceof Error && 'code' in error && error.code === 'ERR_TOKEN_THROTTLED') break;
    }
    expect(error).toMatchObject({ code: 'ERR_TOKEN_THROTTLED', status: 429 });
    const sent = exchanges();
    await expect(tokenProvider.getAccessToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_THROTTLED' });
    expect(exchanges()).toBe(sent);
  });

  it('replaces a revoked token once, even if the requests fail one after another', async () => {
    const server = await startServer();
    const { api, tokenProvider, exchanges } = clientOf(server);
    await api.listEnvironments();
    await revoke(server, await tokenProvider.getAccessToken());
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        await sleep(index * 3);
        return api.listEnvironments();
      }),
    );
    expect(exchanges()).toBe(2);
  });

  it('retries a write after a revocation exactly once', async () => {
    const server = await startServer();
    const { api, tokenProvider } = clientOf(server);
    await revoke(server, await tokenProvider.getAccessToken());
    await api.createEnvironment({ name: 'qa' });
    const names = (await api.listEnvironments()).map(({ name }) => name);
    expect(names.filter((name) => name === 'qa')).toEqual(['qa']);
  });

  it('reports that its client was revoked', async () => {
    const server = await startServer();
    const admin = clientOf(server).api;
    const { clientId, clientSecret = '' } = await admin.createAuthClient({ type: 'm2m', name: 'worker' });
    const { api } = clientOf(server, { clientId, clientSecret });
    await api.listValues('development');
    await admin.revokeAuthClient(clientId);
    await expect(api.listValues('development')).rejects.toMatchObject({
      code: 'ERR_TOKEN_REJECTED',
      error: 'invalid_client',
    });
  });

  it('keeps requests working across tokens that live 2 s', async () => {
    // Time passes in steps, so that a token does not expire between a call and its response.
    // On both clocks: the provider uses the one that shows more, and on a busy machine this test takes longer than its steps.
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_800_000_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const server = await startServer({ tokenTtlSec: 2 });
    const { api, tokenProvider, exchanges } = clientOf(server);
    for (let passedMs = 0; passedMs < 4_500; passedMs += 25) {
      await Promise.all([api.listEnvironments(), api.listSchemas()]);
      vi.advanceTimersByTime(25);
    }
    expect(exchanges()).toBeGreaterThanOrEqual(3);
    expect(exchanges()).toBeLessThanOrEqual(7);
    expect(tokenProvider.status().attempts.failed).toBe(0);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineConfig, defineLimit } from '../index.ts';
import { ConfigApi, createConfigClient, discoverSettings, TokenProvider } from '../server.ts';
import { failureOf } from '../test-support/token-fixture.ts';

const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const PROXY = 'http://me:hunter2@proxy.example.com:8080';
const HINT = "HTTPS_PROXY is set, but Node's fetch does not use it";

const failing: typeof fetch = () =>
  Promise.reject(
    new TypeError('fetch failed', {
      cause: Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }),
    }),
  );

beforeEach(() => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  vi.stubGlobal('fetch', failing);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

const provider = (authUrl: string, own?: typeof fetch) =>
  new TokenProvider({ authUrl, clientId: 'c', clientSecret: 's', maxAttempts: 1, fetch: own });

async function messageFor(authUrl = 'https://auth.example.com', own?: typeof fetch): Promise<string> {
  const error = await failureOf(provider(authUrl, own).getAccessToken());
  expect(error.code).toBe('ERR_TOKEN_TRANSPORT');
  return error.message;
}

describe('a request that gets no response', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])('says that %s is set and not used', async (variable) => {
    vi.stubEnv(variable, PROXY);
    const message = await messageFor();
    expect(message).toContain(`${variable} is set, but Node's fetch does not use it`);
    expect(message).not.toMatch(/hunter2|proxy\.example/);
  });

  it.each([
    ['20.20.0', 'setGlobalDispatcher(new EnvHttpProxyAgent()) of undici 7'],
    ['22.12.0', 'setGlobalDispatcher(new EnvHttpProxyAgent()) of undici 7'],
    ['22.21.0', 'NODE_USE_ENV_PROXY=1'],
    ['24.4.0', 'NODE_USE_ENV_PROXY=1'],
  ])('says what to do in Node %s', async (node, remedy) => {
    vi.stubEnv('HTTPS_PROXY', PROXY);
    vi.stubGlobal('process', { ...process, env: process.env, versions: { node } });
    expect(await messageFor()).toContain(remedy);
  });

  it('says so for the API, for its metadata, with telemetry and at the start of a client', async () => {
    vi.stubEnv('HTTPS_PROXY', PROXY);
    const tokenProvider = { getAccessToken: async () => 't', invalidate: () => undefined };
    const apiUrl = 'https://config.example.com';
    const ids = { apiUrl, organizationId: 'o', clientId: 'c', clientSecret: 's' };
    const api = new ConfigApi({ ...ids, tokenProvider, retries: 0 });
    expect((await failureOf(api.listSchemas())).message).toContain(HINT);
    expect((await failureOf(discoverSettings(ids, { env: {} }))).message).toContain(HINT);
    const config = defineConfig({ limits: { cartItems: defineLimit({ default: 1 }) } });
    const span = { setAttribute() {}, setStatus() {}, addEvent() {}, end() {} };
    const telemetry = { tracer: { startSpan: () => span } as never };
    const client = createConfigClient({ config, ...ids, authUrl: 'https://auth.example.com', telemetry });
    expect((await failureOf(client.ready({ timeoutMs: 200 }))).message).toContain(HINT);
    await client.close();
  });

  it.each([
    ['no variable is set', 'HTTPS_PROXY', ''],
    ['only the one for http is set', 'HTTP_PROXY', PROXY],
  ])('says nothing of proxies if %s', async (_, variable, value) => {
    vi.stubEnv(variable, value);
    expect(await messageFor()).not.toContain('PROXY');
  });

  it.each([
    ['*', false],
    ['auth.example.com', false],
    ['AUTH.example.com', false],
    ['other.com, example.com', false],
    ['.example.com', false],
    ['*.example.com', false],
    ['example.com:443', false],
    ['example.com:8443', true],
    ['ample.com', true],
    ['', true],
  ])('heeds NO_PROXY=%s', async (value, isHinted) => {
    vi.stubEnv('HTTPS_PROXY', PROXY);
    vi.stubEnv('no_proxy', value);
    expect((await messageFor()).includes(HINT)).toBe(isHinted);
  });

  it('says nothing of proxies for this machine, for a fetch of the user, or if a proxy is used', async () => {
    vi.stubEnv('HTTPS_PROXY', PROXY);
    vi.stubEnv('HTTP_PROXY', PROXY);
    expect(await messageFor('http://localhost:1')).not.toContain('PROXY');
    expect(await messageFor('https://auth.example.com', failing)).not.toContain('PROXY');
    class EnvHttpProxyAgent {}
    // Node defines this property so that `vi.stubGlobal` cannot replace it.
    const holder = globalThis as Record<symbol, unknown>;
    const previous = holder[DISPATCHER];
    holder[DISPATCHER] = new EnvHttpProxyAgent();
    const message = await messageFor().finally(() => {
      holder[DISPATCHER] = previous;
    });
    expect(message).not.toContain('PROXY');
  });

  it('says nothing of proxies after a refusal of the certificate, or an abort', async () => {
    vi.stubEnv('HTTPS_PROXY', PROXY);
    vi.stubGlobal('fetch', () =>
      Promise.reject(Object.assign(new Error('bad'), { code: 'CERT_HAS_EXPIRED' })),
    );
    expect(await messageFor()).not.toContain('PROXY');
    vi.stubGlobal('fetch', () => new Promise(() => undefined));
    const api = new ConfigApi({
      apiUrl: 'https://config.example.com',
      organizationId: 'o',
      tokenProvider: { getAccessToken: async () => 't', invalidate: () => undefined },
    });
    const aborted = await failureOf(api.listSchemas({ signal: AbortSignal.timeout(20) }));
    expect(aborted).toMatchObject({ reason: 'aborted', message: expect.not.stringContaining('PROXY') });
  });
});

import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { defineConfig, defineLimit, SettingsError } from '../index.ts';
import { type ConfigClient, createConfigClient, discoverSettings, type SettingsOptions } from '../server.ts';
import {
  type LoopbackServer,
  type Responder,
  type SeenRequest,
  sendJson,
  startLoopbackServer,
} from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { failureOf } from '../test-support/token-fixture.ts';
import { until } from '../test-support/until.ts';

// The issuer of an API that is not the hosted one, if none is set: credentials go only where the user said.

const soon = { timeout: 30_000, interval: 5 };
const CLIENT_SECRET = 'the-secret-of-this-test';
const config = defineConfig({ limits: { cartItems: defineLimit({ default: 1 }) } });

const servers: LoopbackServer[] = [];
const clients: ConfigClient[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(respond: Responder): Promise<LoopbackServer> {
  const server = await startLoopbackServer(respond);
  servers.push(server);
  return server;
}

const optionsFor = (server: LoopbackServer): SettingsOptions => ({
  apiUrl: server.url,
  clientId: 'client-1',
  clientSecret: CLIENT_SECRET,
  organizationId: 'org-1',
});

const ownEndpoint = ({ headers }: SeenRequest) => ({ token_endpoint: `http://${headers.host}/token` });

type Metadata = Record<string, unknown> | Responder | undefined;

/** A config server with these metadata documents; `{url}` stands for its own URL. */
function startConfigServer(oauth: Metadata, oidc?: Metadata): Promise<LoopbackServer> {
  return start((request, response, more) => {
    const own = `http://${request.headers.host}`;
    const documents: Record<string, Metadata> = {
      '/.well-known/oauth-authorization-server': oauth,
      '/.well-known/openid-configuration': oidc,
    };
    const document = documents[request.url];
    if (typeof document === 'function') return document(request, response, more);
    if (document !== undefined) {
      response
        .writeHead(200)
        .end(JSON.stringify(document).replaceAll('{url}', own).replaceAll('{host}', own.slice(7)));
    } else if (request.url.endsWith('/token')) {
      sendJson(response, 200, { access_token: 'token-1', token_type: 'Bearer', expires_in: 3600 });
    } else if (request.url.includes('/ruleset')) {
      sendJson(response, 200, rulesetOf({ revision: '1', limits: { cartItems: 7 } }));
    } else if (request.url.includes('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
    } else sendJson(response, 404, { message: 'not found' });
    return undefined;
  });
}

function clientFor(server: LoopbackServer, options: Parameters<typeof createConfigClient>[0] | object = {}) {
  // Requests to any other host fail at once, and are recorded.
  const elsewhere: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith(`${server.url}/`)) return globalThis.fetch(input, init);
    elsewhere.push(url);
    throw new TypeError('fetch failed');
  };
  const client = createConfigClient({ config, ...optionsFor(server), fetch, ...options });
  clients.push(client as unknown as ConfigClient);
  return { client, elsewhere };
}

const sentSecrets = (server: LoopbackServer) =>
  server.seen.filter(({ body, headers, url }) =>
    [body, JSON.stringify(headers), url].some((text) => text.includes(CLIENT_SECRET)),
  );

describe('the issuer of an API', () => {
  it.each([
    ['the first document', { token_endpoint: '{url}/token' }, undefined, '/token'],
    ['the second document', undefined, { token_endpoint: '{url}/token' }, '/token'],
    [
      'a document without an endpoint before it',
      { issuer: 'x' },
      { token_endpoint: '{url}/token' },
      '/token',
    ],
    ['an endpoint below a path', { token_endpoint: '{url}/oauth/token' }, undefined, '/oauth/token'],
  ])('is the API itself if its metadata says so: %s', async (_, oauth, oidc, path) => {
    const server = await startConfigServer(oauth, oidc);
    const { client, elsewhere } = clientFor(server);
    await client.ready();
    expect(client.limit('cartItems')).toBe(7);
    expect(elsewhere).toEqual([]);
    expect(sentSecrets(server).map(({ url }) => url)).toEqual([path]);
    expect(client.health().token).toMatchObject({ token: 'fresh' });
  });

  it.each<[string, Metadata]>([
    ['no metadata', undefined],
    ['no token endpoint', { issuer: '{url}' }],
    ['null', { token_endpoint: null }],
    ['another host', { token_endpoint: 'https://auth.smoo.ai/token' }],
    ['another port', { token_endpoint: 'http://127.0.0.1:1/token' }],
    ['another name of the host', { token_endpoint: 'http://localhost/token' }],
    ['another scheme', { token_endpoint: 'ftp://127.0.0.1/token' }],
    ['a user name', { token_endpoint: 'http://me@{host}/token' }],
    ['a password', { token_endpoint: 'http://:hunter2@{host}/token' }],
    ['a relative URL', { token_endpoint: '/token' }],
    ['a number', { token_endpoint: 7 }],
    ['another path', { token_endpoint: '{url}/oauth/issue' }],
    ['a query', { token_endpoint: '{url}/token?to=x' }],
    ['HTML', (_, response) => void response.writeHead(200).end('<html>token_endpoint</html>')],
    ['too much', { token_endpoint: '{url}/token', more: 'x'.repeat(70_000) }],
    ['the status 403', (request, response) => sendJson(response, 403, ownEndpoint(request))],
    ['a redirect', (_, response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
  ])('is missing if its metadata has %s', async (_, oauth) => {
    const server = await startConfigServer(oauth);
    const { client, elsewhere } = clientFor(server);
    const error = await failureOf(client.ready());
    expect(error).toBeInstanceOf(SettingsError);
    expect(error).toMatchObject({ code: 'ERR_SETTINGS_MISSING', missing: ['SMOOAI_CONFIG_AUTH_URL'] });
    expect(error.message).toContain('set SMOOAI_CONFIG_AUTH_URL (authUrl) to');
    expect(error.message).not.toContain(CLIENT_SECRET);
    expect(elsewhere).toEqual([]);
    expect(sentSecrets(server)).toEqual([]);
    expect(server.seen.every(({ url }) => url.startsWith('/.well-known/'))).toBe(true);
  });

  it('is not asked for if it is set', async () => {
    const issuer = await startConfigServer(undefined);
    const server = await startConfigServer({ token_endpoint: '{url}/token' });
    vi.stubEnv('SMOOAI_AUTH_URL', issuer.url);
    const client = createConfigClient({ config, ...optionsFor(server) });
    clients.push(client as unknown as ConfigClient);
    await client.ready();
    expect(issuer.seen.map(({ url }) => url)).toEqual(['/token']);
    expect(server.seen.filter(({ url }) => url.includes('well-known'))).toEqual([]);
  });

  it('is asked for again while the API is not up yet', async () => {
    const server = await startConfigServer((_, response, { count }) => {
      if (count < 3) response.writeHead(503).end();
      else sendJson(response, 200, { token_endpoint: `http://${_.headers.host}/token` });
    });
    const { client } = clientFor(server);
    await client.ready();
    expect(client.limit('cartItems')).toBe(7);
  });

  it('is asked for once by concurrent calls, and by a start after an evaluation', async () => {
    const server = await startConfigServer({ token_endpoint: '{url}/token' });
    const { client } = clientFor(server);
    await Promise.all([
      client.evaluateLimit('cartItems', { a: 1 }).catch(() => undefined),
      client.evaluateLimit('cartItems', { a: 2 }).catch(() => undefined),
    ]);
    await client.ready();
    const urls = server.seen.map(({ url }) => url);
    expect(urls.filter((url) => url.includes('well-known'))).toHaveLength(1);
    expect(urls.filter((url) => url === '/token')).toHaveLength(1);
  });

  it('gives a new token after a 401', async () => {
    const server = await startConfigServer({ token_endpoint: '{url}/token' });
    let refused = 0;
    const fetch: typeof globalThis.fetch = (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.includes('/ruleset') || refused > 0) return globalThis.fetch(input, init);
      refused += 1;
      return Promise.resolve(Response.json({ message: 'revoked' }, { status: 401 }));
    };
    const { client } = clientFor(server, { fetch });
    await client.ready();
    expect(server.seen.filter(({ url }) => url === '/token')).toHaveLength(2);
  });

  it('is not waited for beyond the time limit of the caller', async () => {
    const counts = { open: 0, all: 0 };
    const server = await startConfigServer((_, response) => {
      counts.open += 1;
      counts.all += 1;
      response.once('close', () => {
        counts.open -= 1;
      });
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { client } = clientFor(server);
    const failed = failureOf(client.ready({ timeoutMs: 1_000 }));
    await until(() => counts.open === 1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await failed).toMatchObject({ code: 'ERR_READY_TIMEOUT' });
    await until(() => counts.open === 0);
    expect(counts.all).toBe(1);
    expect(sentSecrets(server)).toEqual([]);
  });

  it('fails a persistent client for good, with one event', async () => {
    const server = await startConfigServer(undefined);
    const errors: unknown[] = [];
    const { client } = clientFor(server, {
      start: 'background',
      onEvent: (event: { error?: unknown }) => event.error !== undefined && errors.push(event.error),
    });
    await vi.waitFor(() => expect(client.health().status).toBe('failed'), soon);
    const asked = server.seen.length;
    expect(errors.at(-1)).toBeInstanceOf(SettingsError);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.seen).toHaveLength(asked);
  });
});

describe('discoverSettings', () => {
  it('resolves all settings', async () => {
    const server = await startConfigServer({ token_endpoint: '{url}/token' });
    expect(await discoverSettings(optionsFor(server), { env: {} })).toEqual({
      ...optionsFor(server),
      authUrl: server.url,
      environment: 'development',
    });
  });

  it('sends nothing if another setting is missing too, and lists both', async () => {
    const server = await startConfigServer({ token_endpoint: '{url}/token' });
    const options = { ...optionsFor(server), clientId: '' };
    expect(await failureOf(discoverSettings(options, { env: {} }))).toMatchObject({
      missing: ['SMOOAI_CONFIG_AUTH_URL', 'SMOOAI_CONFIG_CLIENT_ID'],
    });
    expect(server.seen).toEqual([]);
  });

  it.each([
    [500, {}, 'ERR_TOKEN_REJECTED'],
    [429, { 'retry-after': '7' }, 'ERR_TOKEN_THROTTLED'],
  ])('rejects with the status %d', async (status, headers, code) => {
    const server = await startConfigServer((_, response) => void response.writeHead(status, headers).end());
    expect(await failureOf(discoverSettings(optionsFor(server), { env: {} }))).toMatchObject({
      status,
      code,
    });
  });

  it('ends with its time limit', async () => {
    const server = await startConfigServer(() => undefined);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const timeout = failureOf(discoverSettings(optionsFor(server), { env: {}, timeoutMs: 30 }));
    await until(() => server.seen.length === 1);
    await vi.advanceTimersByTimeAsync(30);
    expect(await timeout).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'timeout' });
  });

  it('ends with its signal', async () => {
    const server = await startConfigServer(() => undefined);
    const controller = new AbortController();
    const aborted = failureOf(discoverSettings(optionsFor(server), { env: {}, signal: controller.signal }));
    await vi.waitFor(() => expect(server.seen).toHaveLength(1), soon);
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'ERR_TOKEN_TRANSPORT', reason: 'aborted' });
  });
});

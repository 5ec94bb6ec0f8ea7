import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineConfig, defineLimit } from '../index.ts';
import { ConfigApi, createConfigClient, getSharedTokenProvider } from '../server.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';

// Next.js replaces the global `fetch`. Its patch is imitated here; the end-to-end tests build real Next.js apps.

interface Recorded {
  url: string;
  cache: RequestCache | undefined;
  /** The request store that was current when `fetch` was called. */
  store: unknown;
}

const servers: LoopbackServer[] = [];
afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(): Promise<LoopbackServer> {
  const server = await startLoopbackServer((request, response) => {
    if (request.url === '/token') {
      sendJson(response, 200, { access_token: 'token-1', token_type: 'Bearer', expires_in: 3600 });
    } else if (request.url?.includes('/ruleset')) sendJson(response, 404, { message: 'no such endpoint' });
    else sendJson(response, 200, { values: { a: 1 } });
  });
  servers.push(server);
  return server;
}

const nativeFetch = globalThis.fetch;

const urlOf = (input: Parameters<typeof fetch>[0]): string =>
  input instanceof Request ? input.url : String(input);

/** Replaces the global `fetch` as Next.js does, and records what gets through. */
function patchFetch(parts: { original?: boolean; store?: boolean }) {
  const storage = new AsyncLocalStorage<string>();
  const sent: Recorded[] = [];
  const cached: string[] = [];
  const original: typeof fetch = (input, init) => {
    sent.push({ url: urlOf(input), cache: init?.cache, store: storage.getStore() });
    return nativeFetch(input, init);
  };
  const patched: typeof fetch = (input, init) => {
    if (storage.getStore() !== undefined) cached.push(urlOf(input));
    return original(input, init);
  };
  vi.stubGlobal(
    'fetch',
    Object.assign(patched, {
      __nextPatched: true,
      ...(parts.original && { _nextOriginalFetch: original }),
      ...(parts.store && { __nextGetStaticStore: () => storage }),
    }),
  );
  return { storage, sent, cached };
}

function apiOf(url: string, fetch?: typeof globalThis.fetch): ConfigApi {
  const options = { authUrl: url, clientId: 'client-1', clientSecret: 's3cret', fetch };
  return new ConfigApi({
    apiUrl: url,
    organizationId: 'org-1',
    tokenProvider: getSharedTokenProvider(options),
    fetch,
  });
}

describe('within a request of Next.js', () => {
  it.each([
    ['with both parts of the patch', { original: true, store: true }],
    ['with the original fetch only', { original: true }],
    ['with the request store only', { store: true }],
  ])('neither tokens nor values go through the patched fetch: %s', async (_, parts) => {
    const server = await start();
    const { storage, sent, cached } = patchFetch(parts);

    const values = await storage.run('request', () => apiOf(server.url).listValues('production'));

    expect(values).toEqual({ a: 1 });
    expect(cached).toEqual([]);
    expect(sent).toHaveLength(2);
    for (const { store } of sent) if ('store' in parts) expect(store).toBeUndefined();
  });

  it('also if telemetry wraps the requests', async () => {
    const server = await start();
    const { storage, cached, sent } = patchFetch({ original: true, store: true });
    const span = { setAttribute() {}, setStatus() {}, addEvent() {}, end() {} };
    const client = createConfigClient({
      config: defineConfig({ limits: { a: defineLimit({ default: 1 }) } }),
      apiUrl: server.url,
      authUrl: server.url,
      clientId: 'client-1',
      clientSecret: 's3cret',
      organizationId: 'org-1',
      telemetry: { tracer: { startSpan: () => span } as never },
    });

    await storage.run('request', () => client.ready());
    await client.close();

    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect(cached).toEqual([]);
  });

  it('a request outside of a request store needs no exit', async () => {
    const server = await start();
    const { storage, sent } = patchFetch({ original: true, store: true });
    vi.spyOn(storage, 'exit').mockImplementation(() => {
      throw new Error('AsyncLocalStorage is not available');
    });

    await expect(apiOf(server.url).listValues('production')).resolves.toEqual({ a: 1 });
    expect(sent).toHaveLength(2);
  });

  it('a fetch given as an option is used as it is', async () => {
    const server = await start();
    const { storage, cached, sent } = patchFetch({ original: true, store: true });
    const patched = globalThis.fetch;

    await storage.run('request', () => apiOf(server.url, patched).listValues('production'));

    expect(cached).toHaveLength(2);
    expect(sent.map(({ store }) => store)).toEqual(['request', 'request']);
  });
});

describe('any request', () => {
  it('asks caches to keep nothing', async () => {
    const server = await start();
    const { sent } = patchFetch({});

    await apiOf(server.url).listValues('production');

    expect(sent.map(({ cache }) => cache)).toEqual(['no-store', 'no-store']);
  });

  it('leaves out "cache" in runtimes whose Request does not support it', async () => {
    const server = await start();
    const { sent } = patchFetch({});
    vi.stubGlobal('Request', class {});

    await apiOf(server.url).listValues('production');

    expect(sent.map(({ cache }) => cache)).toEqual([undefined, undefined]);
  });
});

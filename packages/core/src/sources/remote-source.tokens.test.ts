import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigApi } from '../api/config-api.ts';
import { RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { TokenProvider } from '../server.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { sinkOf } from '../test-support/store-sink.ts';
import type { RulesetChange } from '../wire.ts';
import { RemoteSource } from './remote-source.ts';

// A stream ends with its token. The source goes on with a new token, and misses nothing.

const soon = { timeout: 30_000, interval: 5 };
/** No connection of a busy machine times out. */
const patient = { openTimeoutMs: 60_000, heartbeatTimeoutMs: 60_000 };
const config = defineConfig({ public: { name: z.string().default('shop') } });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server whose streams can be resumed, and which remembers the token of each. */
async function startServer() {
  const revoked = new Set<string>();
  const streams: { token: string; status: number; lastEventId: string | undefined }[] = [];
  const changes: RulesetChange[] = [];
  let open: { token: string; response: ServerResponse }[] = [];
  let exchanges = 0;
  let issue = (): boolean => true;
  const eventOf = (index: number): string => {
    const change = { revision: `${index + 2}`, previousRevision: `${index + 1}`, changes: [changes[index]] };
    return `id: ${index + 2}\nevent: change\ndata: ${JSON.stringify(change)}\n\n`;
  };
  const server = await startLoopbackServer(({ url, headers }, response) => {
    if (url === '/token') {
      if (!issue()) return sendJson(response, 503, {});
      exchanges += 1;
      const token = `token-${exchanges}`;
      return sendJson(response, 200, { access_token: token, token_type: 'Bearer', expires_in: 3600 });
    }
    const token = (headers.authorization ?? '').slice('Bearer '.length);
    const status = revoked.has(token) ? 401 : 200;
    const lastEventId = headers['last-event-id'] as string | undefined;
    if (url.includes('/stream')) streams.push({ token, status, lastEventId });
    if (status === 401) return sendJson(response, 401, { message: 'revoked' });
    if (!url.includes('/stream')) return sendJson(response, 200, rulesetOf({ revision: '1', epoch: 'one' }));
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
    for (let index = Number(lastEventId) - 1; index < changes.length; index++) response.write(eventOf(index));
    open.push({ token, response });
    return undefined;
  });
  cleanups.push(() => server.close());
  return {
    server,
    streams,
    exchanges: () => exchanges,
    refuseTokens: () => {
      issue = () => false;
    },
    change: (name: string): void => {
      changes.push({ tier: 'public', key: 'name', value: name });
      for (const { response } of open) response.write(eventOf(changes.length - 1));
    },
    /** Ends the streams of all tokens so far, as a server does whose tokens expire or are revoked. */
    endStreams: ({ revoke }: { revoke: boolean }): void => {
      for (const { token, response } of open) {
        if (revoke) revoked.add(token);
        response.end();
      }
      open = [];
    },
  };
}

async function startSource(url: string, options: { refreshWindowSec?: number } = {}) {
  const credentials = { authUrl: url, clientId: 'client-1', clientSecret: 's3cret' };
  const tokenProvider = new TokenProvider({ ...credentials, ...options });
  const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider });
  const store = new RulesetStore(config);
  const source = new RemoteSource({ api, config, environment: 'development', reconnectCapMs: 60 });
  cleanups.push(() => source.stop());
  await source.start(
    sinkOf(store, () => undefined),
    new AbortController().signal,
  );
  return { tokenProvider, name: () => store.get('name')?.fixed?.value };
}

describe('when the server ends a stream', () => {
  it('because its token was revoked, the source resumes with a new token', async () => {
    const { server, streams, exchanges, change, endStreams } = await startServer();
    const { name } = await startSource(server.url);
    await vi.waitFor(() => expect(streams).toHaveLength(1), soon);
    change('before');
    await vi.waitFor(() => expect(name()).toBe('before'), soon);
    endStreams({ revoke: true });
    change('meanwhile');
    await vi.waitFor(() => expect(name()).toBe('meanwhile'), soon);
    change('after');
    await vi.waitFor(() => expect(name()).toBe('after'), soon);
    expect(streams).toEqual([
      { token: 'token-1', status: 200, lastEventId: '1' },
      { token: 'token-1', status: 401, lastEventId: '2' },
      { token: 'token-2', status: 200, lastEventId: '2' },
    ]);
    expect(exchanges()).toBe(2);
  });

  it('because its token is about to expire, the source gets a new token first', async () => {
    const { server, streams, exchanges, change, endStreams } = await startServer();
    // The token is in its refresh window for its last 45 s; the clock is moved there instead of waiting.
    const { name } = await startSource(server.url);
    await vi.waitFor(() => expect(streams).toHaveLength(1), soon);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 3_560_000);
    cleanups.push(() => vi.restoreAllMocks());
    endStreams({ revoke: false });
    change('meanwhile');
    await vi.waitFor(() => expect(name()).toBe('meanwhile'), soon);
    expect(streams).toEqual([
      { token: 'token-1', status: 200, lastEventId: '1' },
      { token: 'token-2', status: 200, lastEventId: '1' },
    ]);
    expect(exchanges()).toBe(2);
  });

  it('because its token is about to expire while the issuer fails, the old token serves on', async () => {
    const { server, streams, change, endStreams, refuseTokens } = await startServer();
    const { name } = await startSource(server.url);
    await vi.waitFor(() => expect(streams).toHaveLength(1), soon);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 3_560_000);
    cleanups.push(() => vi.restoreAllMocks());
    refuseTokens();
    endStreams({ revoke: false });
    change('meanwhile');
    await vi.waitFor(() => expect(name()).toBe('meanwhile'), soon);
    expect(streams[1]).toMatchObject({ token: 'token-1', status: 200 });
  });

  it('again and again, the waits grow', async () => {
    const { server, streams, endStreams } = await startServer();
    const tokens = { getAccessToken: async () => 'token-1', invalidate: () => undefined };
    const sentAtMs: number[] = [];
    const fetchStream: typeof fetch = (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      if (pathname.endsWith('/stream')) sentAtMs.push(performance.now());
      return fetch(input, init);
    };
    const api = new ConfigApi({
      apiUrl: server.url,
      organizationId: 'o',
      tokenProvider: tokens,
      fetch: fetchStream,
    });
    const source = new RemoteSource({ api, config, environment: 'development', ...patient });
    cleanups.push(() => source.stop());
    vi.spyOn(Math, 'random').mockReturnValue(1);
    cleanups.push(() => vi.restoreAllMocks());
    await source.start(
      sinkOf(new RulesetStore(config), () => undefined),
      new AbortController().signal,
    );
    const ending = setInterval(() => endStreams({ revoke: false }), 5);
    cleanups.push(() => clearInterval(ending));
    await vi.waitFor(() => expect(streams.length).toBeGreaterThan(2), soon);
    const [first = 0, second = 0, third = 0] = sentAtMs;
    expect(second - first).toBeGreaterThan(749);
    expect(third - second).toBeGreaterThan(2_249);
  });

  it('many sources come back spread over time', async () => {
    const { server, streams, endStreams } = await startServer();
    const tokens = { getAccessToken: async () => 'token-1', invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: server.url, organizationId: 'o', tokenProvider: tokens });
    const starts = Array.from({ length: 20 }, async () => {
      const source = new RemoteSource({ api, config, environment: 'development', ...patient });
      cleanups.push(() => source.stop());
      const sink = sinkOf(new RulesetStore(config), () => undefined);
      await source.start(sink, new AbortController().signal);
    });
    await Promise.all(starts);
    await vi.waitFor(() => expect(streams).toHaveLength(20), soon);
    const waits: unknown[] = [];
    const random = vi.spyOn(Math, 'random').mockImplementation(() => waits.push(0) / 40);
    cleanups.push(() => random.mockRestore());
    endStreams({ revoke: false });
    await vi.waitFor(() => expect(streams).toHaveLength(40), soon);
    // One draw for each source: nobody waits a fixed time.
    expect(waits).toHaveLength(20);
  });
});

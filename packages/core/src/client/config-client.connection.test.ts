import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { ConfigClientOptions } from './client-options.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({ public: { title: z.string() }, flags: { sale: z.boolean().default(false) } });
const SECRET = 'the client secret of a test';
const options = { config, overrides: false, organizationId: 'o', clientId: 'c' } as const;

/** A config server with this title. It never finishes the token exchanges after the first ones. */
async function startServer(title: string, { finished = Number.POSITIVE_INFINITY } = {}) {
  const state = { exchanges: 0, secret: SECRET };
  let hang: () => void = () => undefined;
  const hanging = new Promise<void>((resolve) => {
    hang = resolve;
  });
  const server = await startLoopbackServer(({ url, body }, response: ServerResponse) => {
    if (url.includes('/token')) {
      state.exchanges += 1;
      if (state.exchanges > finished) hang();
      else if (!body.includes(new URLSearchParams({ client_secret: state.secret }).toString())) {
        sendJson(response, 401, { error: 'invalid_client' });
      } else sendJson(response, 200, { access_token: title, token_type: 'Bearer', expires_in: 3_600 });
    } else if (url.includes('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
    } else if (url.includes('/evaluate')) {
      sendJson(response, 200, { value: title === 'new', source: 'raw' });
    } else sendJson(response, 200, rulesetOf({ public: { title } }));
  });
  onTestFinished(() => server.close());
  const evaluations = () => server.seen.filter(({ url }) => url.includes('/evaluate')).length;
  return { state, hanging, url: server.url, evaluations };
}

function connectTo(url: string, clientSecret = SECRET): void {
  vi.stubEnv('SMOOAI_CONFIG_API_URL', url);
  vi.stubEnv('SMOOAI_CONFIG_AUTH_URL', url);
  vi.stubEnv('SMOOAI_CONFIG_CLIENT_SECRET', clientSecret);
}

function makeClient(more: Partial<ConfigClientOptions<typeof config>> = {}) {
  const client = createConfigClient({ ...options, ...more });
  onTestFinished(() => client.close());
  return client;
}

beforeEach(() => {
  // So that nothing ends because of its time limit.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe('a client whose settings have changed', () => {
  it('starts with the new ones, also if only the secret differs', async () => {
    const server = await startServer('new');
    connectTo(server.url, 'a secret that was replaced');
    const client = makeClient();
    await expect(client.ready()).rejects.toThrow('401');
    connectTo(server.url);
    await client.ready();
    expect(client.public('title')).toBe('new');
    // That of the new provider.
    expect(client.health().token).toMatchObject({ token: 'fresh' });
  });

  it('starts with the newest ones, also if they are those of an earlier attempt', async () => {
    const server = await startServer('new');
    server.state.secret = 'a secret that only the server has';
    const client = makeClient();
    for (const secret of [SECRET, 'a mistake']) {
      connectTo(server.url, secret);
      await expect(client.ready()).rejects.toThrow('401');
    }
    server.state.secret = SECRET;
    connectTo(server.url);
    await client.ready();
    expect(client.public('title')).toBe('new');
  });

  it('leaves the old server, for evaluations too', async () => {
    const [old, next] = [await startServer('old'), await startServer('new')];
    connectTo(old.url);
    const client = makeClient();
    expect(await client.evaluateFlag('sale')).toBe(false);
    connectTo(next.url);
    await client.ready();
    expect(client.public('title')).toBe('new');
    expect(await client.evaluateFlag('sale')).toBe(true);
    expect([old.evaluations(), next.evaluations()]).toEqual([1, 1]);
  });
});

it('an evaluation before the start shares its token with the start', async () => {
  const server = await startServer('new');
  connectTo(server.url);
  // A `fetch` of its own, so that the provider is not shared in the process.
  const client = makeClient({ fetch: (...request) => fetch(...request) });
  await client.evaluateFlag('sale');
  await client.ready();
  expect(server.state.exchanges).toBe(1);
});

it.each([
  ['its own', true],
  ['a shared', false],
])('close() ends a token refresh in the background, with %s provider', async (_name, isOwn) => {
  const server = await startServer('new', { finished: 1 });
  connectTo(server.url);
  const signals: (AbortSignal | null | undefined)[] = [];
  const traced: typeof fetch = (url, init) => {
    if (new Request(url).url.includes('/token')) signals.push(init?.signal);
    return unpatched(url, init);
  };
  const unpatched = globalThis.fetch;
  if (!isOwn) vi.stubGlobal('fetch', traced);
  const client = makeClient(isOwn ? { fetch: traced } : {});
  await client.ready();
  // Inside the last minute of the token.
  vi.setSystemTime(Date.now() + 3_590_000);
  await client.evaluateFlag('sale');
  await server.hanging;
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, false]);
  await client.close();
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, true]);
});

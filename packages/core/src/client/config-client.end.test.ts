import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { until } from '../test-support/until.ts';
import type { ConfigClientOptions } from './client-options.ts';
import { type ConfigClient, createConfigClient } from './config-client.ts';

const config = defineConfig({ flags: { newCheckout: z.boolean().default(false) } });
const token = { access_token: 'a', token_type: 'Bearer', expires_in: 3_600 };

let server: LoopbackServer | undefined;
beforeEach(() => {
  // Nothing ends by its time limit, and the timers that are left can be counted.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
});

function clientOf(url: string, options?: Partial<ConfigClientOptions<typeof config>>) {
  return createConfigClient({
    config,
    apiUrl: url,
    authUrl: url,
    clientId: 'client',
    clientSecret: 'a client secret of a test',
    organizationId: 'org-1',
    overrides: false,
    ...options,
  });
}

/** A server that never finishes the responses of one endpoint. */
async function startHanging(endpoint: string) {
  const hanging: ServerResponse[] = [];
  let ended = 0;
  server = await startLoopbackServer(({ url }, response) => {
    if (url.includes(endpoint)) {
      hanging.push(response);
      response.once('close', () => {
        ended += 1;
      });
      // A stream has begun.
      if (endpoint === '/stream')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hi\n\n');
    } else if (url.includes('/token')) sendJson(response, 200, token);
    else if (url.includes('/ruleset') && endpoint !== '/values') sendJson(response, 200, rulesetOf());
    else sendJson(response, 404, {});
  });
  const { url } = server;
  return { hanging, ended: () => ended, makeClient: () => clientOf(url) };
}

describe('close()', () => {
  for (const endpoint of ['/token', '/ruleset', '/values', '/stream', '/evaluate']) {
    it(`aborts a hanging request to ${endpoint}`, async () => {
      const { hanging, ended, makeClient } = await startHanging(endpoint);
      const client = makeClient();
      const starting = client.ready().catch(() => undefined);
      const evaluating = client.evaluateFlag('newCheckout').catch(({ code }: { code: string }) => code);
      await until(() => hanging.length === 1);
      await client.close();
      await starting;
      expect(await evaluating).toMatch(/^ERR_(CLIENT_CLOSED|EVALUATE_NOT_FOUND)$/);
      await until(() => ended() === 1);
    });
  }

  it('does not abort a token exchange that another client is waiting for', async () => {
    const { hanging, ended, makeClient } = await startHanging('/token');
    const [one, other] = [makeClient(), makeClient()];
    const [first, second] = [one.ready().catch(({ code }: { code: string }) => code), other.ready()];
    await until(() => hanging.length === 1);
    await one.close();
    expect(await first).toBe('ERR_CLIENT_CLOSED');
    expect(ended()).toBe(0);
    for (const response of hanging) sendJson(response, 200, token);
    await second;
    expect(hanging).toHaveLength(1);
    await other.close();
  });
});

/** A response that comes when the request is aborted, or a stream that ends then. */
type Reply = number | 'hangs' | 'streams' | object;

/** A client with a `fetch` that replies by endpoint, so that all timers are those of the client. */
function clientWith(
  replies: Readonly<Record<string, Reply>>,
  options?: Partial<ConfigClientOptions<typeof config>>,
) {
  const paths: string[] = [];
  /** The requests and streams that have not ended. */
  const open = new Set<string>();
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const path = new URL(String(input)).pathname;
    const endpoint = path.slice(path.lastIndexOf('/'));
    const reply = replies[endpoint] ?? 404;
    paths.push(endpoint);
    if (typeof reply === 'number') return Response.json({}, { status: reply });
    if (reply !== 'hangs' && reply !== 'streams') return Response.json(reply);
    open.add(endpoint);
    const ended = new Promise<never>((_, reject) => {
      init?.signal?.addEventListener('abort', () => {
        open.delete(endpoint);
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
    if (reply === 'hangs') return ended;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(': hi\n\n'));
        ended.catch((error: unknown) => controller.error(error));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  return { client: clientOf('http://127.0.0.1:1', { fetch, ...options }), paths, open };
}

/** Lets pending promises settle, also those of streams. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a closed client has no timer, and sends no request', () => {
  const values = { values: { newCheckout: true } };
  const ready = { '/token': token, '/ruleset': rulesetOf() };
  const count = (paths: readonly string[], path: string) => paths.filter((seen) => seen === path).length;
  type Case = {
    replies: Readonly<Record<string, Reply>>;
    /** Whether the client is in the state that it is closed in. */
    isReached: (client: ConfigClient<typeof config>, paths: readonly string[]) => boolean;
    options?: Partial<ConfigClientOptions<typeof config>>;
  };
  const cases: Record<string, Case> = {
    'while it fetches a token': {
      replies: { '/token': 'hangs' },
      isReached: (_, paths) => paths.includes('/token'),
    },
    'while it waits to ask for a token again': {
      replies: { '/token': 503 },
      isReached: (client) => client.health().token?.lastFailure !== undefined,
    },
    'while it fetches its first values': {
      replies: { '/token': token, '/ruleset': 'hangs' },
      isReached: (_, paths) => paths.includes('/ruleset'),
    },
    'while it waits to fetch its first values again': {
      replies: { '/token': token, '/ruleset': 503 },
      isReached: (_, paths) => paths.includes('/ruleset'),
    },
    'while a failed start waits for the next one': {
      replies: { '/token': 401 },
      isReached: (client) => client.health().status === 'failed' || client.health().token !== undefined,
      options: { start: 'background', onEvent: () => undefined },
    },
    'while its stream opens': {
      replies: { ...ready, '/stream': 'hangs' },
      isReached: (_, paths) => paths.includes('/stream'),
    },
    'while its stream is open': {
      replies: { ...ready, '/stream': 'streams' },
      isReached: (client) => client.health().stream === 'open',
      options: { maxStalenessMs: 60_000 },
    },
    'while it waits to open its stream again': {
      replies: { ...ready, '/stream': 503 },
      isReached: (client) => client.health().transport === 'none' && client.health().status !== 'starting',
      options: { maxStalenessMs: 60_000 },
    },
    'while it polls, as its stream fails': {
      replies: { ...ready, '/stream': 503 },
      isReached: (client) => {
        vi.advanceTimersByTime(1_000);
        return client.health().transport === 'polling';
      },
    },
    'while it polls a platform without rulesets': {
      replies: { '/token': token, '/values': values },
      isReached: (client) => client.health().transport === 'polling',
    },
    'while it evaluates on the server': {
      replies: { ...ready, '/stream': 'streams', '/evaluate': 'hangs' },
      isReached: (_, paths) => count(paths, '/evaluate') > 0 || paths.some((path) => path === '/newCheckout'),
    },
  };
  for (const [state, { replies, isReached, options }] of Object.entries(cases)) {
    it(state, async () => {
      const { client, paths, open } = clientWith(replies, options);
      const calls = [client.ready(), client.evaluateFlag('newCheckout')];
      void Promise.allSettled(calls);
      await until(() => isReached(client, paths));
      await client.close();
      await Promise.allSettled(calls);
      await settle();
      expect(vi.getTimerCount()).toBe(0);
      expect([...open]).toEqual([]);
      const sent = [...paths];
      await vi.advanceTimersByTimeAsync(86_400_000);
      await settle();
      expect(paths).toEqual(sent);
    });
  }
});

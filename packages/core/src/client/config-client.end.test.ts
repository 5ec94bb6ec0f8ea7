import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { ManualSource } from '../test-support/manual-source.ts';
import { type Replies, replyingFetch } from '../test-support/replying-fetch.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { failureOf } from '../test-support/token-fixture.ts';
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

/** Lets pending promises settle, also those of streams. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a closed client has no timer, and sends no request', () => {
  const values = { values: { newCheckout: true } };
  const ready = { '/token': token, '/ruleset': rulesetOf() };
  type Case = {
    replies: Replies;
    /** Whether the client is in the state that it is closed in. */
    isReached: (client: ConfigClient<typeof config>, sent: readonly string[]) => boolean;
    options?: Partial<ConfigClientOptions<typeof config>>;
  };
  const cases: Record<string, Case> = {
    'while it fetches a token': {
      replies: { '/token': 'hangs' },
      isReached: (_, sent) => sent.includes('/token'),
    },
    'while it waits to ask for a token again': {
      replies: { '/token': 503 },
      isReached: (client) => client.health().token?.lastFailure !== undefined,
    },
    'while it fetches its first values': {
      replies: { '/token': token, '/ruleset': 'hangs' },
      isReached: (_, sent) => sent.includes('/ruleset'),
    },
    'while it waits to fetch its first values again': {
      replies: { '/token': token, '/ruleset': 503 },
      isReached: (_, sent) => sent.includes('/ruleset'),
    },
    'while a failed start waits for the next one': {
      replies: { '/token': 401 },
      isReached: (client) => client.health().token?.lastFailure !== undefined,
      options: { start: 'background' },
    },
    'while its stream opens': {
      replies: { ...ready, '/stream': 'hangs' },
      isReached: (_, sent) => sent.includes('/stream'),
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
      isReached: (_, sent) => sent.includes('/evaluate'),
    },
  };
  for (const [state, { replies, isReached, options }] of Object.entries(cases)) {
    it(state, async () => {
      const { fetch, sent, open } = replyingFetch(replies);
      const client = clientOf('https://config.example.com', { fetch, ...options });
      const calls = [client.ready(), client.evaluateFlag('newCheckout')];
      void Promise.allSettled(calls);
      await until(() => isReached(client, sent));
      await client.close();
      await Promise.allSettled(calls);
      await settle();
      expect(vi.getTimerCount()).toBe(0);
      expect([...open]).toEqual([]);
      const before = [...sent];
      await vi.advanceTimersByTimeAsync(86_400_000);
      await settle();
      expect(sent).toEqual(before);
    });
  }
});

describe('with a source that ignores its signal', () => {
  const deaf = (source: ManualSource) => {
    source.start = () => new Promise(() => undefined);
    return source;
  };

  it('close() ends the wait of ready()', async () => {
    const client = clientOf('', { source: deaf(new ManualSource('nothing')) });
    const failure = failureOf(client.ready());
    await client.close();
    expect(await failure).toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('close() stops one that has started', async () => {
    const source = new ManualSource(rulesetOf());
    const client = clientOf('', { source });
    await client.ready();
    // `ready()` has left no timer either, which would keep the process alive.
    expect(vi.getTimerCount()).toBe(0);
    expect(source.stops).toBe(0);
    await client.close();
    expect(source.stops).toBe(1);
  });
});

import { afterEach, expect, it, vi } from 'vitest';
import { defineConfig, defineLimit } from '../index.ts';
import { createConfigClient } from '../server.ts';
import {
  type LoopbackServer,
  type Responder,
  sendJson,
  startLoopbackServer,
} from '../test-support/loopback-server.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import { failureOf } from '../test-support/token-fixture.ts';
import { until } from '../test-support/until.ts';

// What is left of the token's requests when a client gives up or is closed.

const soon = { timeout: 30_000, interval: 5 };
const config = defineConfig({ limits: { cartItems: defineLimit({ default: 1 }) } });

const servers: LoopbackServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(respond: Responder) {
  const server = await startLoopbackServer(respond);
  servers.push(server);
  const client = createConfigClient({
    config,
    apiUrl: server.url,
    authUrl: server.url,
    clientId: 'client-1',
    clientSecret: 's3cret',
    organizationId: 'org-1',
  });
  return { client, server };
}

it('the error of ready() does not name its own abort as the last failure', async () => {
  const { client } = await start(() => undefined);
  const error = await failureOf(client.ready({ timeoutMs: 300 }));
  await client.close();
  expect(error).toMatchObject({ code: 'ERR_READY_TIMEOUT', message: expect.not.stringContaining('abort') });
  expect(error.cause).toBeUndefined();
});

it('the error of ready() names the last failure before the abort', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { client } = await start((_, response, { count }) => {
    if (count === 1) response.writeHead(503).end();
  });
  const failed = failureOf(client.ready({ timeoutMs: 9_000 }));
  await until(() => client.health().token?.lastFailure !== undefined);
  await vi.advanceTimersByTimeAsync(9_000);
  const error = await failed;
  await client.close();
  expect(error).toMatchObject({ code: 'ERR_READY_TIMEOUT', message: expect.stringContaining('503') });
});

it('close() ends a refresh of the token in the background', async () => {
  const refreshes = { open: 0, all: 0 };
  let tokens = 0;
  const { client } = await start(({ url }, response) => {
    if (url !== '/token') {
      if (url.includes('/stream'))
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      else sendJson(response, 200, rulesetOf({ revision: '1' }));
      return;
    }
    tokens += 1;
    if (tokens === 1) {
      sendJson(response, 200, { access_token: 't', token_type: 'Bearer', expires_in: 3600 });
      return;
    }
    refreshes.open += 1;
    refreshes.all += 1;
    response.once('close', () => {
      refreshes.open -= 1;
    });
  });
  await client.ready();
  await vi.waitFor(() => expect(client.health().stream).toBe('open'), soon);
  // So that the refresh does not end because of its time limit.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const now = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => now + 3_590_000);
  void client.evaluateLimit('cartItems').catch(() => undefined);
  await until(() => refreshes.open === 1);
  await client.close();
  await until(() => refreshes.open === 0);
  expect(refreshes.all).toBe(1);
});

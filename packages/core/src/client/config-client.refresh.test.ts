import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { createTestClient } from '../testing.ts';
import type { ConfigClientOptions } from './client-options.ts';
import type { ConfigClient } from './config-client.ts';
import { createConfigClient } from './config-client.ts';

const config = defineConfig({ public: { title: z.string() } });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Respond = (response: ServerResponse) => void;

/** A config server whose stream brings no change. It has the revision that a test sets. */
async function silentServer(options: Partial<ConfigClientOptions<typeof config>> = {}) {
  const state = { revision: 1, hasRulesets: true, respond: undefined as Respond | undefined };
  const server: LoopbackServer = await startLoopbackServer(({ url }, response) => {
    const [revision, title] = [String(state.revision), `title ${state.revision}`];
    if (url.startsWith('/token')) sendJson(response, 200, { access_token: 'a-token', expires_in: 3600 });
    else if (url.includes('/stream'))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
    else if (url.includes('/values')) sendJson(response, 200, { values: { title } });
    else if (!state.hasRulesets) sendJson(response, 404, { message: 'not found' });
    else if (state.respond !== undefined) state.respond(response);
    else {
      const empty = { secret: {}, flags: {}, limits: {}, segments: {} };
      sendJson(response, 200, { revision, epoch: 'one', environment: 'test', public: { title }, ...empty });
    }
  });
  const { url } = server;
  const credentials = { organizationId: 'o', clientId: 'c', clientSecret: 'a-client-secret' };
  const settings = { apiUrl: url, authUrl: url, environment: 'test', ...credentials };
  const client: ConfigClient<typeof config> = createConfigClient({
    config,
    ...settings,
    overrides: false,
    ...options,
  });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  const count = (part: string): number => server.seen.filter((request) => request.url.includes(part)).length;
  return { state, client, count };
}

/** Long enough for a busy machine. */
const patient = { timeoutMs: 60_000 };

describe('refresh()', () => {
  beforeEach(() => {
    // Makes every wait of the backoff the shortest one.
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });

  it('brings the newest values without the stream', async () => {
    const { state, client } = await silentServer();
    await client.ready(patient);
    const changed = vi.fn();
    client.subscribe(changed);
    state.revision = 2;
    expect(await client.refresh(patient)).toBe(client);
    expect(client.public('title')).toBe('title 2');
    expect(changed).toHaveBeenCalledExactlyOnceWith({ revision: '2', keys: ['title'] });
  });

  it('starts a client that has not started', async () => {
    const { client } = await silentServer();
    await client.refresh(patient);
    expect(client.public('title')).toBe('title 1');
  });

  it('asks again until the server has the revision', async () => {
    const { state, client, count } = await silentServer();
    await client.ready(patient);
    const refreshed = client.refresh({ revision: '9', ...patient });
    await vi.waitFor(() => expect(count('/ruleset')).toBeGreaterThan(3), { timeout: 60_000 });
    state.revision = 10;
    await refreshed;
    expect(client.public('title')).toBe('title 10');
  });

  it('asks for nothing if the client has the revision', async () => {
    const { client, count } = await silentServer();
    await client.ready(patient);
    const before = count('/ruleset');
    await client.refresh({ revision: '1' });
    await client.refresh({ revision: '0' });
    expect(count('/ruleset')).toBe(before);
  });

  it('tries again after a failure that may pass', async () => {
    const { state, client, count } = await silentServer();
    await client.ready(patient);
    state.respond = (response) => sendJson(response, 503, { message: 'starting' });
    const refreshed = client.refresh(patient);
    await vi.waitFor(() => expect(count('/ruleset')).toBeGreaterThan(2), { timeout: 60_000 });
    Object.assign(state, { respond: undefined, revision: 2 });
    await refreshed;
    expect(client.public('title')).toBe('title 2');
  });

  it('waits for the first values of the server if the client has started without it', async () => {
    const bundled = { defaults: { public: { title: 'bundled' } } };
    const { state, client } = await silentServer({ fallback: 'cached', bundled });
    state.respond = (response) => sendJson(response, 503, { message: 'starting' });
    await client.ready({ timeoutMs: 500 });
    expect(client.public('title')).toBe('bundled');
    await expect(client.refresh({ timeoutMs: 50 })).rejects.toMatchObject({ reason: 'timeout' });
    const refreshed = client.refresh(patient);
    state.respond = undefined;
    await refreshed;
    expect(client.public('title')).toBe('title 1');
  });

  it('rejects at once if the server refuses the client', async () => {
    const { state, client } = await silentServer();
    await client.ready(patient);
    state.respond = (response) => sendJson(response, 403, { message: 'no' });
    await expect(client.refresh(patient)).rejects.toMatchObject({
      code: 'ERR_REQUEST_REJECTED',
      status: 403,
    });
    expect(client.public('title')).toBe('title 1');
  });

  it('rejects if the client could only start from bundled values, because the server refuses it', async () => {
    const bundled = { defaults: { public: { title: 'bundled' } } };
    const { state, client } = await silentServer({ fallback: 'cached', bundled });
    state.respond = (response) => sendJson(response, 403, { message: 'no' });
    await client.ready(patient);
    expect(client.public('title')).toBe('bundled');
    await expect(client.refresh(patient)).rejects.toMatchObject({ status: 403 });
  });

  it('shares one fetch among concurrent calls', async () => {
    const { state, client, count } = await silentServer();
    await client.ready(patient);
    const before = count('/ruleset');
    state.revision = 2;
    await Promise.all(Array.from({ length: 1_000 }, () => client.refresh(patient)));
    expect(count('/ruleset')).toBe(before + 1);
    expect(client.public('title')).toBe('title 2');
  });

  it('rejects with the revision that the client has when the time is up', async () => {
    const { client } = await silentServer();
    await client.ready(patient);
    await expect(client.refresh({ revision: '9', timeoutMs: 300 })).rejects.toMatchObject({
      code: 'ERR_REQUEST_TRANSPORT',
      reason: 'timeout',
      message: expect.stringMatching(/did not get revision 9 within 300 ms\. It has revision 1\./),
    });
  });

  it('rejects while a server is silent, when the caller aborts and when the client is closed', async () => {
    const { state, client } = await silentServer();
    await client.ready(patient);
    state.respond = () => undefined;
    await expect(client.refresh({ timeoutMs: 50 })).rejects.toMatchObject({ reason: 'timeout' });
    const leaving = new AbortController();
    const aborted = client.refresh({ signal: leaving.signal, ...patient });
    leaving.abort();
    await expect(aborted).rejects.toMatchObject({ reason: 'aborted' });
    await expect(client.refresh({ signal: leaving.signal })).rejects.toMatchObject({ reason: 'aborted' });
    const closed = client.refresh(patient);
    await client.close();
    await expect(closed).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
    await expect(client.refresh()).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' });
  });

  it('reads the values of a platform that has no rulesets', async () => {
    const { state, client } = await silentServer();
    state.hasRulesets = false;
    await client.ready(patient);
    state.revision = 2;
    await client.refresh(patient);
    expect(client.public('title')).toBe('title 2');
  });

  it.each([
    ['revision', { revision: 'v2' }],
    ['timeoutMs', { timeoutMs: 0 }],
  ])('refuses a wrong %s', async (option, options) => {
    const { client } = await silentServer();
    await expect(client.refresh(options)).rejects.toMatchObject({ code: 'ERR_OPTIONS_INVALID', option });
  });
});

it('a test client has nothing to fetch', async () => {
  const client = createTestClient({ config, public: { title: 'test' } });
  await client.refresh({ revision: '99' });
  expect(client.public('title')).toBe('test');
});

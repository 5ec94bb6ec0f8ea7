import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigApi } from '../api/config-api.ts';
import { RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { sinkOf } from '../test-support/store-sink.ts';
import type { Ruleset } from '../wire.ts';
import { RemoteSource, type RemoteSourceOptions } from './remote-source.ts';
import type { ConnectionStatus } from './ruleset-source.ts';

const soon = { timeout: 30_000, interval: 10 };
const config = defineConfig({ public: { name: z.string().default('shop') } });

function ruleset(revision: string, epoch = 'one'): Ruleset {
  const empty = { public: {}, secret: {}, flags: {}, limits: {}, segments: {} };
  return { revision, epoch, environment: 'development', ...empty };
}

type Respond = (response: ServerResponse, url: string) => void;

const sendRuleset: Respond = (response) => sendJson(response, 200, ruleset('1'));
const openStream: Respond = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`event: ruleset\ndata: ${JSON.stringify(ruleset('1'))}\n\n`);
};

const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  // Makes every wait of the backoff the shortest one.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A source and its server, whose responses a test can replace. */
async function startSource({
  timeoutMs,
  ...options
}: Partial<RemoteSourceOptions> & { timeoutMs?: number } = {}) {
  const responses = { ruleset: sendRuleset, stream: openStream };
  const server: LoopbackServer = await startLoopbackServer(({ url }, response) =>
    responses[url.includes('/stream') ? 'stream' : 'ruleset'](response, url),
  );
  const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
  const sent: string[] = [];
  const countingFetch: typeof fetch = (input, init) => {
    sent.push(input instanceof Request ? input.url : input.toString());
    return fetch(input, init);
  };
  const api = new ConfigApi({
    apiUrl: server.url,
    organizationId: 'o',
    tokenProvider,
    timeoutMs,
    fetch: countingFetch,
  });
  const store = new RulesetStore(config);
  const statuses: ConnectionStatus[] = [];
  const sink = sinkOf(store, (status) => statuses.push(status));
  const times = { pollIntervalMs: 30, openTimeoutMs: 60_000, heartbeatTimeoutMs: 60_000, reconnectCapMs: 20 };
  const source = new RemoteSource({ api, config, environment: 'development', ...times, ...options });
  const starting = new AbortController();
  cleanups.push(
    () => server.close(),
    () => source.stop(),
    () => starting.abort(),
  );
  const countRequests = (part: string): number => server.seen.filter(({ url }) => url.includes(part)).length;
  /** Requests as the source sends them: the server can see one late, after the source has stopped. */
  const countSent = (part: string): number => sent.filter((url) => url.includes(part)).length;
  const start = () => source.start(sink, starting.signal);
  const { signal } = starting;
  return { responses, server, source, sink, statuses, countRequests, countSent, start, signal };
}

const faults: [name: string, respond: Respond][] = [
  ['an HTML page', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  ['truncated JSON', (response) => void response.setHeader('content-type', 'application/json').end('{"revi')],
  [
    'a ruleset of type text/plain',
    (response) => void response.setHeader('content-type', 'text/plain').end(JSON.stringify(ruleset('7'))),
  ],
  ['500', (response) => sendJson(response, 500, { message: 'no' })],
  ['429', (response) => sendJson(response, 429, { message: 'slow' }, { 'retry-after': '0' })],
  ['a reset', (response) => void response.destroy()],
  ['silence', () => undefined],
];
/** Short only where a request must time out, because a busy machine may need a while for a response. */
const timeOut = (fault: string) => (fault === 'silence' ? { timeoutMs: 200, openTimeoutMs: 200 } : {});

describe('a remote source', () => {
  it.each(faults)('starts once the server no longer responds with %s', async (name, fault) => {
    const { responses, start, sink, countRequests } = await startSource(timeOut(name));
    responses.ruleset = fault;
    const started = start();
    await vi.waitFor(() => expect(countRequests('/ruleset')).toBeGreaterThan(1), soon);
    expect(sink.revision).toBeUndefined();
    responses.ruleset = sendRuleset;
    await started;
    expect(sink.revision).toBe('1');
  });

  it.each(faults)(
    'polls while the stream fails with %s, and stops when the stream works',
    async (name, fault) => {
      const { responses, start, statuses, countSent } = await startSource(timeOut(name));
      responses.stream = fault;
      await start();
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
      responses.stream = openStream;
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('stream'), soon);
      const before = countSent('/ruleset');
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(countSent('/ruleset')).toBe(before);
    },
  );

  it('gives up a stream of headers and bytes without a whole event', async () => {
    const { responses, start, statuses } = await startSource({ openTimeoutMs: 60 });
    responses.stream = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const drip = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(drip));
    };
    await start();
    await vi.waitFor(() => expect(statuses).toContain('polling'), soon);
    expect(statuses).not.toContain('stream');
  });

  it('reconnects after a stream without a heartbeat', async () => {
    const { start, statuses, countRequests } = await startSource({ heartbeatTimeoutMs: 60 });
    await start();
    await vi.waitFor(() => expect(countRequests('/stream')).toBeGreaterThan(1), soon);
    await vi.waitFor(
      () => expect(statuses).toEqual(expect.arrayContaining(['stream', 'disconnected'])),
      soon,
    );
  });

  it('resumes by revision and epoch, and requests the whole ruleset after a gap', async () => {
    const { responses, server, start } = await startSource();
    const gap = { revision: '9', previousRevision: '8', changes: [] };
    responses.stream = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`event: change\ndata: ${JSON.stringify(gap)}\n\n`);
    };
    await start();
    const streams = () => server.seen.filter(({ url }) => url.includes('/stream'));
    await vi.waitFor(() => expect(streams().length).toBeGreaterThan(1), soon);
    const [first, second] = streams();
    expect([first?.headers['last-event-id'], first?.url.includes('epoch=one')]).toEqual(['1', true]);
    expect([second?.headers['last-event-id'], second?.url.includes('epoch=')]).toEqual([undefined, false]);
  });

  it('does not confirm the values if the server has an older revision', async () => {
    const { responses, start, sink, source } = await startSource();
    responses.ruleset = (response) => sendJson(response, 200, ruleset('9'));
    await start();
    source.stop();
    const confirm = vi.spyOn(sink, 'confirm');
    responses.ruleset = (response) => sendJson(response, 200, ruleset('8'));
    await start();
    expect(confirm).not.toHaveBeenCalled();
    source.stop();
    responses.ruleset = (response) => sendJson(response, 200, ruleset('10'));
    await start();
    expect(confirm).toHaveBeenCalled();
  });

  it('closes the stream of an earlier start when it is started again', async () => {
    const { responses, start, countRequests } = await startSource({ heartbeatTimeoutMs: 60_000 });
    let open = 0;
    responses.stream = (response, url) => {
      open += 1;
      response.once('close', () => {
        open -= 1;
      });
      openStream(response, url);
    };
    await start();
    await vi.waitFor(() => expect(countRequests('/stream')).toBe(1), soon);
    await start();
    // Long before a silent stream would be closed anyway.
    await vi.waitFor(() => expect([countRequests('/stream'), open]).toEqual([2, 1]), soon);
  });

  it('does not poll while every second attempt to open a stream works', async () => {
    const { responses, start, countRequests } = await startSource();
    responses.stream = (response, url) => {
      if (countRequests('/stream') % 2 !== 0) return sendJson(response, 503, { message: 'no' });
      openStream(response, url);
      response.end();
    };
    await start();
    await vi.waitFor(() => expect(countRequests('/stream')).toBeGreaterThan(9), soon);
    expect(countRequests('/ruleset')).toBe(1);
  });

  it('stays "polling" while attempts to open a stream fail', async () => {
    const { responses, start, statuses, countRequests } = await startSource();
    responses.stream = (response) => sendJson(response, 503, { message: 'no' });
    await start();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
    const from = statuses.length;
    const streams = countRequests('/stream');
    await vi.waitFor(() => expect(countRequests('/stream')).toBeGreaterThan(streams + 5), soon);
    expect(new Set(statuses.slice(from))).toEqual(new Set(['polling']));
  });

  it('does not retry a request that the server rejects', async () => {
    const { responses, start, countRequests } = await startSource();
    responses.ruleset = (response) => sendJson(response, 403, { message: 'forbidden' });
    await expect(start()).rejects.toMatchObject({ code: 'ERR_REQUEST_REJECTED', status: 403 });
    expect(countRequests('/ruleset')).toBe(1);
  });

  it('stops polling when it is stopped, also during a poll', async () => {
    const { responses, start, source, statuses, countRequests, countSent } = await startSource();
    responses.stream = (response) => sendJson(response, 503, { message: 'no' });
    await start();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
    let closed = 0;
    responses.ruleset = (response) => {
      response.once('close', () => {
        closed += 1;
      });
    };
    const polls = countRequests('/ruleset');
    await vi.waitFor(() => expect(countRequests('/ruleset')).toBeGreaterThan(polls), soon);
    source.stop();
    const { length } = statuses;
    const requests = countSent('/');
    await vi.waitFor(() => expect(closed).toBeGreaterThan(0), soon);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(countSent('/')).toBe(requests);
    expect(statuses).toHaveLength(length);
  });

  it.each([
    ['in seconds', () => ({ 'retry-after': '1' })],
    [
      'as a date of a server whose clock is wrong',
      () => ({ 'retry-after': 'Fri, 01 Jan 1999 00:00:01 GMT', date: 'Fri, 01 Jan 1999 00:00:00 GMT' }),
    ],
  ])('waits at the start as long as a 429 asks for: %s', async (_, headers) => {
    const { responses, start, countRequests } = await startSource();
    responses.ruleset = (response) => sendJson(response, 429, { message: 'slow' }, headers());
    const asked = performance.now();
    const started = start();
    await vi.waitFor(() => expect(countRequests('/ruleset')).toBe(1), soon);
    responses.ruleset = sendRuleset;
    await started;
    expect(performance.now() - asked).toBeGreaterThan(900);
    expect(countRequests('/ruleset')).toBe(2);
  });

  it('leaves no listener on the signal of its start when it is stopped', async () => {
    const { start, source, statuses, signal } = await startSource();
    for (let count = 0; count < 3; count += 1) {
      await start();
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('stream'), soon);
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    source.stop();
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toHaveLength(0), soon);
  });

  it('does not begin another attempt if its start is aborted during the wait', async () => {
    const responses = { ruleset: 0 };
    const server = await startLoopbackServer((_, response) => {
      responses.ruleset += 1;
      sendJson(response, 429, { message: 'slow' }, { 'retry-after': '60' });
    });
    cleanups.push(() => server.close());
    const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: server.url, organizationId: 'o', tokenProvider });
    const source = new RemoteSource({ api, config, environment: 'development' });
    const starting = new AbortController();
    const statuses: ConnectionStatus[] = [];
    const sink = sinkOf(new RulesetStore(config), (status) => statuses.push(status));
    const started = source.start(sink, starting.signal).catch((error: unknown) => error);
    // Reported again when the response has arrived.
    await vi.waitFor(() => expect(statuses).toEqual(['connecting', 'connecting']), soon);
    starting.abort();
    expect(await started).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status: 429 });
    expect(responses.ruleset).toBe(1);
  });

  it('polls with the ETag and epoch of its ruleset', async () => {
    const { responses, start, server, statuses } = await startSource();
    responses.stream = (response) => sendJson(response, 503, { message: 'no' });
    responses.ruleset = (response) => sendJson(response, 200, ruleset('1'), { etag: '"from-the-server"' });
    await start();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
    const polls = () => server.seen.filter(({ url }) => url.includes('/ruleset')).slice(1);
    await vi.waitFor(() => expect(polls().length).toBeGreaterThan(2), soon);
    const etags = polls().map(({ headers }) => headers['if-none-match']);
    expect(etags.slice(0, 3)).toEqual(['"1"', '"from-the-server"', '"from-the-server"']);
    expect(polls().every(({ url }) => url.includes('epoch=one'))).toBe(true);
  });
});

import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigApi } from '../api/config-api.ts';
import { RulesetStore } from '../ruleset/ruleset-store.ts';
import { defineConfig } from '../schema/define-config.ts';
import { type LoopbackServer, sendJson, startLoopbackServer } from '../test-support/loopback-server.ts';
import { sinkOf } from '../test-support/store-sink.ts';
import type { Ruleset } from '../wire.ts';
import { RemoteSource, type RemoteSourceOptions } from './remote-source.ts';
import type { SourceStatus } from './ruleset-source.ts';

const soon = { timeout: 15_000, interval: 10 };
const config = defineConfig({ public: { name: z.string().default('shop') } });

function ruleset(revision: string, epoch = 'one'): Ruleset {
  const empty = { public: {}, secret: {}, flags: {}, limits: {}, segments: {} };
  return { revision, epoch, environment: 'development', ...empty };
}

type Answer = (response: ServerResponse, url: string) => void;

const good: Answer = (response) => sendJson(response, 200, ruleset('1'));
const openStream: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`event: ruleset\ndata: ${JSON.stringify(ruleset('1'))}\n\n`);
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A source in front of a server whose answers can be swapped. */
async function startSource(options: Partial<RemoteSourceOptions> = {}) {
  const answers = { ruleset: good, stream: openStream };
  const server: LoopbackServer = await startLoopbackServer(({ url }, response) =>
    answers[url.includes('/stream') ? 'stream' : 'ruleset'](response, url),
  );
  const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
  const api = new ConfigApi({ apiUrl: server.url, organizationId: 'o', tokenProvider, timeoutMs: 300 });
  const store = new RulesetStore(config);
  const statuses: SourceStatus[] = [];
  const sink = sinkOf(store, (status) => statuses.push(status));
  const times = { pollIntervalMs: 40, openTimeoutMs: 300, heartbeatTimeoutMs: 300, reconnectCapMs: 60 };
  const source = new RemoteSource({ api, config, environment: 'development', ...times, ...options });
  const giveUp = new AbortController();
  ends.push(
    () => server.close(),
    () => source.stop(),
    () => giveUp.abort(),
  );
  const asked = (part: string): number => server.seen.filter(({ url }) => url.includes(part)).length;
  return { answers, server, source, sink, statuses, asked, start: () => source.start(sink, giveUp.signal) };
}

const faults: [name: string, answer: Answer][] = [
  [
    'a page with 200',
    (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  ],
  ['truncated JSON', (response) => void response.setHeader('content-type', 'application/json').end('{"revi')],
  [
    'a ruleset that says it is text',
    (response) => void response.setHeader('content-type', 'text/plain').end(JSON.stringify(ruleset('7'))),
  ],
  ['500', (response) => sendJson(response, 500, { message: 'no' })],
  ['429', (response) => sendJson(response, 429, { message: 'slow' }, { 'retry-after': '0' })],
  ['a reset', (response) => void response.destroy()],
  ['silence', () => undefined],
];

describe('a source', () => {
  it.each(faults)('starts once the server is over %s', async (_, fault) => {
    const { answers, start, sink, asked } = await startSource();
    answers.ruleset = fault;
    const started = start();
    await vi.waitFor(() => expect(asked('/ruleset')).toBeGreaterThan(1), soon);
    expect(sink.revision).toBeUndefined();
    answers.ruleset = good;
    await started;
    expect(sink.revision).toBe('1');
  });

  it.each(faults)('polls while the stream has %s, and never beside a stream that works', async (_, fault) => {
    const { answers, start, statuses, asked } = await startSource();
    answers.stream = fault;
    await start();
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('polling'), soon);
    answers.stream = openStream;
    await vi.waitFor(() => expect(statuses.at(-1)).toBe('stream'), soon);
    // One question may have been on its way.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = asked('/ruleset');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked('/ruleset')).toBe(before);
  });

  it('gives up a stream that has headers and bytes but no whole event', async () => {
    const { answers, start, statuses } = await startSource();
    answers.stream = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const drip = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(drip));
    };
    await start();
    await vi.waitFor(() => expect(statuses).toContain('polling'), soon);
    expect(statuses).not.toContain('stream');
  });

  it('resumes by revision and epoch, and after a gap asks for the whole', async () => {
    const { answers, server, start } = await startSource();
    const gap = { revision: '9', previousRevision: '8', changes: [] };
    answers.stream = (response) => {
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

  it('whose server lags behind what is in hand confirms nothing', async () => {
    const { answers, start, sink, source } = await startSource();
    answers.ruleset = (response) => sendJson(response, 200, ruleset('9'));
    await start();
    source.stop();
    const confirm = vi.spyOn(sink, 'confirm');
    answers.ruleset = (response) => sendJson(response, 200, ruleset('8'));
    await start();
    expect(confirm).not.toHaveBeenCalled();
    source.stop();
    answers.ruleset = (response) => sendJson(response, 200, ruleset('10'));
    await start();
    expect(confirm).toHaveBeenCalled();
  });

  it('does not retry what the server refuses', async () => {
    const { answers, start, asked } = await startSource();
    answers.ruleset = (response) => sendJson(response, 403, { message: 'not you' });
    await expect(start()).rejects.toMatchObject({ code: 'ERR_REQUEST_REJECTED', status: 403 });
    expect(asked('/ruleset')).toBe(1);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigApi } from '../api/config-api.ts';
import type { ConfigError } from '../errors.ts';
import type { Ruleset } from '../wire.ts';
import type { RulesetSink } from './ruleset-source.ts';
import { runStreaming } from './streaming.ts';

// The connections of an event stream over time: fake timers, and a fetch whose streams a test controls.

const encoder = new TextEncoder();

interface Connection {
  atMs: number;
  signal: AbortSignal;
  body: ReadableStreamDefaultController<Uint8Array>;
}

beforeEach(() => {
  vi.useFakeTimers();
  // The longest waits: 750 ms, 2,250 ms, 6,750 ms, 15 s.
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Runs a stream. `respond` may return a response instead of opening a connection. */
function run(respond: (count: number) => Response | undefined = () => undefined) {
  const connections: Connection[] = [];
  const requests: number[] = [];
  const lost: unknown[] = [];
  const startedAt = performance.now();
  const fetch: typeof globalThis.fetch = async (_, init) => {
    requests.push(Math.round(performance.now() - startedAt));
    const response = respond(requests.length);
    if (response !== undefined) return response;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const { signal } = init as { signal: AbortSignal };
        connections.push({ atMs: performance.now() - startedAt, signal, body: controller });
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
  const tokenProvider = { getAccessToken: async () => 't', invalidate: () => undefined };
  const api = new ConfigApi({ apiUrl: 'https://api.example.com', organizationId: 'o', tokenProvider, fetch });
  const stopping = new AbortController();
  let current: Ruleset | undefined;
  const sink: RulesetSink = {
    get revision() {
      return current?.revision;
    },
    replace: (ruleset) => {
      current = ruleset;
    },
    patch: () => undefined,
    confirm: () => undefined,
    status: () => undefined,
  };
  const opened = vi.fn();
  const done = runStreaming({
    api,
    environment: 'development',
    sink,
    signal: stopping.signal,
    openTimeoutMs: 10_000,
    heartbeatTimeoutMs: 45_000,
    reconnectCapMs: 15_000,
    onOpen: opened,
    onLost: (error) => lost.push(error),
  });
  const send = (text: string): void => connections.at(-1)?.body.enqueue(encoder.encode(text));
  return { connections, requests, lost, opened, done, send, stopping };
}

const forMs = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const settle = () => forMs(0);

describe('an event stream', () => {
  it('waits longer after each connection that ended soon, and the shortest time after one that lasted', async () => {
    const { connections, requests, stopping, send } = run();
    const end = async (afterMs: number, waitMs: number): Promise<void> => {
      await settle();
      send(': hello\n\n');
      await forMs(afterMs);
      const { length } = requests;
      connections.at(-1)?.body.close();
      await forMs(waitMs - 50);
      expect(requests).toHaveLength(length);
      await forMs(100);
      expect(requests).toHaveLength(length + 1);
    };
    await end(0, 750);
    await end(0, 2_250);
    await end(4_900, 6_750);
    await end(5_000, 750);
    await end(60, 2_250);
    stopping.abort();
    await settle();
  });

  it.each([429, 503])('waits as long as a %d asks for', async (status) => {
    const { requests, lost, stopping } = run((count) =>
      count === 1 ? new Response('{}', { status, headers: { 'retry-after': '20' } }) : undefined,
    );
    await forMs(19_900);
    expect(requests).toHaveLength(1);
    await forMs(200);
    expect(requests).toHaveLength(2);
    expect(lost[0]).toMatchObject({ code: 'ERR_REQUEST_REJECTED', status, retryAfterMs: 20_000 });
    stopping.abort();
    await settle();
  });

  it('lives as long as heartbeats arrive', async () => {
    const { connections, send, stopping } = run();
    await settle();
    for (let minute = 0; minute < 30; minute++) {
      send(': ping\n\n');
      await forMs(40_000);
    }
    expect(connections).toHaveLength(1);
    stopping.abort();
    await settle();
  });

  it.each([
    ['before the first event', '', 10_000],
    ['after an event', ': ping\n\n', 45_000],
    ['in the middle of an event', ': ping\n\nevent: change\nda', 45_000],
  ])('is given up when it is silent %s, and the error says so', async (_, text, silentMs) => {
    const { connections, lost, opened, send, stopping } = run();
    await settle();
    if (text !== '') send(text);
    await forMs(silentMs - 100);
    expect(lost).toEqual([]);
    await forMs(20_000);
    expect(opened).toHaveBeenCalledTimes(text === '' ? 0 : 1);
    expect((lost[0] as ConfigError).message).toContain(`silent for ${silentMs} ms`);
    expect(connections[0]?.signal.aborted).toBe(true);
    expect(connections.length).toBeGreaterThan(1);
    stopping.abort();
    await settle();
  });

  it('closes the connection after a malformed event', async () => {
    const { connections, lost, send, stopping } = run();
    await settle();
    send('event: change\ndata: {\n\n');
    await settle();
    expect(lost[0]).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' });
    expect(connections[0]?.signal.aborted).toBe(true);
    stopping.abort();
    await settle();
  });

  it('leaves no listener on its signal, however often it reconnects', async () => {
    const { connections, stopping } = run();
    const added = vi.spyOn(stopping.signal, 'addEventListener');
    const removed = vi.spyOn(stopping.signal, 'removeEventListener');
    for (let count = 0; count < 5; count++) {
      await settle();
      connections.at(-1)?.body.close();
      await forMs(15_000);
    }
    // The listener of the first connection was added before the spies.
    expect(removed.mock.calls.length).toBeGreaterThanOrEqual(5);
    expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThanOrEqual(0);
    stopping.abort();
    await settle();
  });

  it('opens no connection after it was stopped, and none of its timers is left', async () => {
    const { connections, requests, done, stopping } = run();
    await settle();
    connections[0]?.body.close();
    await settle();
    stopping.abort();
    await done;
    expect(vi.getTimerCount()).toBe(0);
    await forMs(60_000);
    expect(requests).toHaveLength(1);
  });
});

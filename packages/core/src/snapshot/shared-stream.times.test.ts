import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '../test-support/event-source.ts';
import { shareStream } from './shared-stream.ts';
import { SnapshotStore } from './snapshot-store.ts';

const TYPE = 'text/event-stream';
const SNAPSHOT = { revision: '1', public: {}, flags: {}, limits: {} };
/** Responses of the next requests; 503 if it is empty. */
let responses: Response[];
let requests: number;
let store: SnapshotStore;
let update: (type: string) => void;
/** The delays of the timers that were set. */
let delays: () => number[];

beforeEach(() => {
  vi.useFakeTimers();
  const timers = vi.spyOn(globalThis, 'setTimeout');
  delays = () => timers.mock.calls.map(([, ms]) => Number(ms));
  responses = [];
  requests = 0;
  vi.stubGlobal('fetch', async () => {
    requests++;
    return responses.shift() ?? new Response('', { status: 503 });
  });
  store = new SnapshotStore();
});
afterEach(() => {
  update('end');
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function connect(times: { silenceTimeoutMs?: number; hiddenTimeoutMs?: number } = {}): void {
  update = shareStream('/stream', store, { context: '{}', ...times });
  update('');
}

/** A stream that sends a snapshot and these events, and stays open. */
function stream(...events: string[]): Response {
  const text = [`event: snapshot\ndata: ${JSON.stringify(SNAPSHOT)}`, ...events, ''].join('\n\n');
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  });
  return new Response(body, { headers: { 'content-type': TYPE } });
}
const ping = 'event: ping\ndata:';
/** Runs what is due, with all promises. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

it.each([
  ['nothing', undefined, 0],
  ['a negative time', '-100', 0],
  ['a date', 'Wed, 21 Oct 2026 07:28:00 GMT', 0],
  ['not a number', 'soon', 0],
  ['two seconds', '2', 2_000],
  ['a year', '31536000', 30_000],
  ['for ever', 'Infinity', 30_000],
])('waits for its own time after Retry-After, which says %s', async (_, retryAfter, expected) => {
  const headers: HeadersInit = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  responses = [new Response('', { status: 429, headers }), new Response('', { status: 429, headers })];
  connect();
  await settle();
  expect(store.status).toBe('reconnecting');
  expect(delays().at(-1)).toBeGreaterThanOrEqual(expected + 500);
  expect(delays().at(-1)).toBeLessThanOrEqual(expected + 1_000);
});

it('has jitter in the longest wait too', async () => {
  connect();
  // Two timers for each attempt.
  for (let timer = 0; timer < 24; timer++) await vi.advanceTimersToNextTimerAsync();
  const longest = delays().filter((ms) => ms > 15_000 && ms < 30_000);
  expect(new Set(longest).size).toBeGreaterThan(1);
});

it.each([
  [
    'accepts the request by now',
    new Response(new ReadableStream(), { headers: { 'content-type': TYPE } }),
    undefined,
  ],
  ['fails', new Response(new ReadableStream(), { status: 500 }), undefined],
  ['sends a page', new Response(new ReadableStream(), { headers: { 'content-type': 'text/html' } }), 200],
])('does not hold the connection that asked why, if the server %s', async (_, response, status) => {
  const cancel = vi.spyOn(response.body as ReadableStream, 'cancel');
  responses = [new Response('', { status: 403 }), response];
  connect();
  await settle();
  expect(cancel).toHaveBeenCalledOnce();
  expect(store.refusal?.status).toBe(status);
});

it('takes a server for one without pings after a silence before the first one, and stays live', async () => {
  responses = [stream(), stream()];
  connect({ silenceTimeoutMs: 45_000 });
  await settle();
  await vi.advanceTimersByTimeAsync(45_000);
  expect(store.status).toBe('reconnecting');
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.advanceTimersByTimeAsync(10_000_000);
  expect([store.status, requests]).toEqual(['live', 2]);
});

it('watches for silence again once a ping arrives, and from then on before the first ping of a stream', async () => {
  responses = [stream(), stream(ping), stream(), stream()];
  connect({ silenceTimeoutMs: 45_000 });
  await settle();
  for (const expected of [2, 3, 4]) {
    await vi.advanceTimersByTimeAsync(46_000);
    expect([store.status, requests]).toEqual(['live', expected]);
  }
});

it('watches for silence after attempts that never got an event', async () => {
  // The second one is for `fetch`, which asks for the reason.
  responses = [new Response('', { status: 503 }), new Response('', { status: 503 }), stream()];
  connect({ silenceTimeoutMs: 45_000 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(store.status).toBe('live');
  await vi.advanceTimersByTimeAsync(45_000);
  expect(store.status).toBe('reconnecting');
});

it('asks nothing when the browser cancels the stream because the page is left', async () => {
  responses = [stream(ping)];
  const sources: EventSource[] = [];
  class Recorded extends EventSource {
    constructor(to: string) {
      super(to);
      sources.push(this);
    }
  }
  vi.stubGlobal('EventSource', Recorded);
  connect();
  await settle();
  // Chromium does so right before `pagehide`, in the same task.
  sources[0]?.close();
  sources[0]?.onerror?.(new Event('error'));
  await Promise.resolve();
  update('pagehide');
  vi.clearAllTimers();
  expect(requests).toBe(1);
});

it('limits the wait for the first event', async () => {
  responses = [new Response(new ReadableStream(), { headers: { 'content-type': TYPE } }), stream()];
  connect({ silenceTimeoutMs: 45_000 });
  await vi.advanceTimersByTimeAsync(46_000);
  expect([store.status, requests]).toEqual(['live', 2]);
});

it('takes 45 s without an event for a lost connection by default', async () => {
  responses = [stream(ping), stream(ping)];
  connect();
  await settle();
  await vi.advanceTimersByTimeAsync(44_999);
  expect([store.status, requests]).toEqual(['live', 1]);
  await vi.advanceTimersByTimeAsync(1_001);
  expect([store.status, requests]).toEqual(['live', 2]);
});

it('closes the stream of a page that is hidden for two minutes by default', async () => {
  vi.stubGlobal('document', { hidden: true });
  const ended = vi.spyOn(EventSource.prototype, 'close');
  responses = [stream(ping)];
  connect({ silenceTimeoutMs: Number.POSITIVE_INFINITY });
  await settle();
  update('visibilitychange');
  await vi.advanceTimersByTimeAsync(119_999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toHaveBeenCalledOnce();
});

it('never sets a timer with a delay that browsers take for none', async () => {
  vi.stubGlobal('document', { hidden: true });
  responses = [stream(ping)];
  connect({ silenceTimeoutMs: Number.POSITIVE_INFINITY, hiddenTimeoutMs: Number.POSITIVE_INFINITY });
  await settle();
  update('visibilitychange');
  expect(store.status).toBe('live');
  expect(Math.max(...delays())).toBeLessThan(2 ** 31);
});

it('leaves no timer, channel or stream after a thousand connections', async () => {
  update = () => undefined;
  const closed = vi.spyOn(BroadcastChannel.prototype, 'close');
  const ended = vi.spyOn(EventSource.prototype, 'close');
  for (let count = 0; count < 1_000; count++) {
    responses.push(stream());
    connect();
    update('end');
  }
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  expect([closed.mock.calls.length, ended.mock.calls.length]).toEqual([1_000, 1_000]);
});

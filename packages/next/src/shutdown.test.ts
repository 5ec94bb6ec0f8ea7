import { getEventListeners } from 'node:events';
import { createTestClient } from '@smooai/config/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { readEvents } from './test-support/read-events.ts';
import { shopConfig } from './test-support/shop-config.ts';

/** The state of the process, which copies of this package share. */
const STREAMS = Symbol.for('@smooai/config-next/streams');
const state = globalThis as { [STREAMS]?: { ends: Set<unknown> } };
const signals = ['SIGTERM', 'SIGINT'] as const;

/** Each test begins as a new process: nothing is open, and nothing else listens to signals. */
const others = new Map<NodeJS.Signals, NodeJS.SignalsListener[]>();

beforeEach(() => {
  delete state[STREAMS];
  for (const signal of signals) {
    others.set(signal, process.listeners(signal) as NodeJS.SignalsListener[]);
    process.removeAllListeners(signal);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const signal of signals) {
    process.removeAllListeners(signal);
    for (const listener of others.get(signal) ?? []) process.on(signal, listener);
  }
  delete state[STREAMS];
});

async function openStream(request = new Request('https://shop.example/stream')) {
  const handler = createSnapshotRouteHandler({ client: createTestClient({ config: shopConfig() }) });
  const response = await handler(request);
  const events = readEvents(response);
  expect(await events.next()).toMatchObject({ event: 'snapshot' });
  return { handler, response, events };
}

describe.each(signals)('on %s', (signal) => {
  it('every open stream ends, and a new one is refused on a connection that closes', async () => {
    process.on(signal, () => undefined);
    const [one, other] = [await openStream(), await openStream()];
    process.emit(signal);
    expect(await one.events.next()).toBeUndefined();
    expect(await other.events.next()).toBeUndefined();
    const again = await one.handler(new Request('https://shop.example/stream'));
    expect([again.status, again.headers.get('connection')]).toEqual([503, 'close']);
  });

  it('the process still ends if nothing else listens to the signal', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    await openStream();
    process.emit(signal);
    expect(kill.mock.calls).toEqual([[process.pid, signal]]);
    expect(process.listenerCount(signal)).toBe(0);
  });

  it('the process is left to another listener, such as that of Next', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    await openStream();
    process.on(signal, () => undefined);
    process.emit(signal);
    expect(kill).not.toHaveBeenCalled();
  });
});

describe('an ended stream', () => {
  it.each(['aborted by the request', 'cancelled by the reader'])('is not retained when %s', async (how) => {
    const abort = new AbortController();
    const request = new Request('https://shop.example/stream', { signal: abort.signal });
    const { events } = await openStream(request);
    expect(state[STREAMS]?.ends.size).toBe(1);
    expect(getEventListeners(request.signal, 'abort')).toHaveLength(1);
    if (how.startsWith('aborted')) abort.abort();
    else await events.cancel();
    expect(await events.next()).toBeUndefined();
    expect(state[STREAMS]?.ends.size).toBe(0);
    expect(getEventListeners(request.signal, 'abort')).toHaveLength(0);
  });

  it('is not retained when its request was aborted before it began', async () => {
    const request = new Request('https://shop.example/stream', { signal: AbortSignal.abort() });
    const handler = createSnapshotRouteHandler({ client: createTestClient({ config: shopConfig() }) });
    expect(await readEvents(await handler(request)).next()).toBeUndefined();
    expect(state[STREAMS]?.ends.size ?? 0).toBe(0);
  });

  it('closes its connection, because Next waits for open ones on shutdown', async () => {
    const { response, events } = await openStream();
    expect(response.headers.get('connection')).toBe('close');
    await events.cancel();
  });
});

it('many streams listen to each signal once', async () => {
  const streams = [await openStream(), await openStream(), await openStream()];
  expect(signals.map((signal) => process.listenerCount(signal))).toEqual([1, 1]);
  expect(state[STREAMS]?.ends.size).toBe(3);
  for (const { events } of streams) await events.cancel();
});

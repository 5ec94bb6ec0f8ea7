import { createSnapshotSource, SnapshotStore } from '@smooai/config/browser';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '../../core/src/test-support/event-source.ts';
import { first } from './test-support/snapshots.ts';

/** The signals of the streams that were opened, in order. */
let streams: AbortSignal[];
let store: SnapshotStore;
let disconnect: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  streams = [];
  vi.stubGlobal('fetch', async (_: string, { signal }: { signal: AbortSignal }) => {
    streams.push(signal);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`event: snapshot\ndata: ${JSON.stringify(first)}\n\n`));
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  store = new SnapshotStore();
  disconnect = createSnapshotSource({ url: '/stream', silenceTimeoutMs: 10 ** 9 }).connect(store);
  await live();
});
afterEach(() => {
  disconnect();
  hide(false);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const live = (): Promise<void> => vi.waitFor(() => expect(store.status).toBe('live'), { timeout: 30_000 });
const open = (): number => streams.filter(({ aborted }) => !aborted).length;

function hide(isHidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}

it('lets go of the stream after two minutes in a hidden tab, and opens it when the tab is seen', async () => {
  hide(true);
  vi.advanceTimersByTime(119_999);
  expect(open()).toBe(1);
  vi.advanceTimersByTime(1);
  expect([open(), store.status]).toEqual([0, 'reconnecting']);
  hide(false);
  await live();
  expect(open()).toBe(1);
});

it('keeps the stream of a tab that is hidden for a moment', () => {
  hide(true);
  vi.advanceTimersByTime(60_000);
  hide(false);
  vi.advanceTimersByTime(120_000);
  expect(streams).toHaveLength(1);
  expect(open()).toBe(1);
});

it.each([
  ['pagehide', 'pageshow', () => window],
  ['freeze', 'resume', () => document],
] as const)('lets go at once with %s, and opens it with %s', async (away, back, target) => {
  target().dispatchEvent(new Event(away));
  expect(open()).toBe(0);
  target().dispatchEvent(new Event(back));
  await live();
  expect(open()).toBe(1);
});

it('opens a new stream when the network changes or the tab is seen after a long sleep', async () => {
  window.dispatchEvent(new Event('online'));
  await live();
  expect([streams.length, open()]).toEqual([2, 1]);
  hide(false);
  expect(streams).toHaveLength(2);
  // The clock moves on while the timers of a sleeping machine do not.
  vi.setSystemTime(Date.now() + 10 ** 9 + 1);
  hide(false);
  await live();
  expect([streams.length, open()]).toEqual([3, 1]);
});

it('listens to nothing after it was disconnected', () => {
  disconnect();
  expect([open(), store.status]).toEqual([0, 'offline']);
  window.dispatchEvent(new Event('online'));
  window.dispatchEvent(new Event('pageshow'));
  expect(streams).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

import { createTestClient } from '@smooai/config/testing';
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { createSnapshotRouteHandler } from './route-handler.ts';
import { shopConfig } from './test-support/shop-config.ts';

const STREAMS = Symbol.for('@smooai/config-next/streams');

/** A test client that counts what its users have not released. */
function countingClient() {
  const client = createTestClient({ config: shopConfig() });
  const held = { count: 0 };
  for (const name of ['subscribe', 'onClose'] as const) {
    const original = client[name].bind(client) as (listener: () => void) => () => void;
    client[name] = ((listener: () => void) => {
      const release = original(listener);
      held.count++;
      return () => {
        held.count--;
        release();
      };
    }) as never;
  }
  return { client, held };
}

function openStreams(): number {
  return (Reflect.get(globalThis, STREAMS) as { ends: Set<unknown> } | undefined)?.ends.size ?? 0;
}

const requestOf = (signal: AbortSignal): Request => new Request('https://shop.example/stream', { signal });

let warn: MockInstance<typeof console.warn>;

beforeEach(() => {
  vi.useFakeTimers();
  warn = vi.spyOn(console, 'warn').mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('500 streams that end in different ways leave no listener, timer or subscription', async () => {
  const { client, held } = countingClient();
  const handler = createSnapshotRouteHandler({ client, context: async () => ({ country: 'NL' }) });
  for (let round = 0; round < 100; round++) {
    const early = new AbortController();
    early.abort();
    await handler(requestOf(early.signal));
    const during = new AbortController();
    const pending = handler(requestOf(during.signal));
    during.abort();
    await pending;
    const after = new AbortController();
    await handler(requestOf(after.signal));
    after.abort();
    await (await handler(requestOf(new AbortController().signal))).body?.cancel();
    const both = new AbortController();
    const { body } = await handler(requestOf(both.signal));
    await body?.cancel();
    both.abort();
  }
  expect([held.count, openStreams(), vi.getTimerCount()]).toEqual([0, 0, 0]);
});

it('a context that never resolves gets 503 after a while, and a warning', async () => {
  const { client, held } = countingClient();
  const context = () => new Promise<never>(() => undefined);
  const pending = createSnapshotRouteHandler({ client, context })(requestOf(new AbortController().signal));
  await vi.advanceTimersByTimeAsync(10_000);
  const response = await pending;
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/"context" did not resolve within 10 s/)]);
  expect([held.count, openStreams(), vi.getTimerCount()]).toEqual([0, 0, 0]);
});

it('a context that never resolves is left when the browser disconnects', async () => {
  const { client, held } = countingClient();
  const leaving = new AbortController();
  const context = () => new Promise<never>(() => undefined);
  const pending = createSnapshotRouteHandler({ client, context })(requestOf(leaving.signal));
  await vi.advanceTimersByTimeAsync(100);
  leaving.abort();
  const response = await pending;
  expect(await response.text()).toBe('');
  expect(warn).not.toHaveBeenCalled();
  expect([held.count, openStreams(), vi.getTimerCount()]).toEqual([0, 0, 0]);
});

it('a context that rejects after the browser has left is not an unhandled rejection', async () => {
  const { client } = countingClient();
  const leaving = new AbortController();
  const context = async (): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    throw new Error('too late');
  };
  const pending = createSnapshotRouteHandler({ client, context })(requestOf(leaving.signal));
  await vi.advanceTimersByTimeAsync(1);
  leaving.abort();
  expect((await pending).status).toBe(200);
  await vi.advanceTimersByTimeAsync(60);
});

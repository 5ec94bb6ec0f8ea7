import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type RefreshedClient, refresh } from './refresh.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A client at revision 1 whose server never has a newer one. */
function createClient() {
  const closing = new AbortController();
  let fetches = 0;
  const client: RefreshedClient = {
    store: { live: { revision: '1' } as NonNullable<RefreshedClient['store']['live']> },
    lifecycle: {
      signal: closing.signal,
      ready: () => Promise.resolve(),
      fetchOnce: (signal) => {
        fetches += 1;
        // So that a loop without a wait ends.
        if (signal.aborted) return Promise.reject(signal.reason as Error);
        return fetches > 1_000 ? Promise.reject(new Error('too many')) : Promise.resolve(true);
      },
    },
  };
  return { client, closing, fetches: () => fetches };
}

it('leaves no listener and no timer, whether it succeeds, fails, or is aborted', async () => {
  const { client, closing } = createClient();
  const caller = new AbortController();
  for (let round = 0; round < 3; round += 1) {
    await refresh(client, {});
    await refresh(client, { revision: '1' });
    const late = refresh(client, { revision: '2', timeoutMs: 1_000, signal: caller.signal });
    const failed = expect(late).rejects.toMatchObject({ code: 'ERR_REQUEST_TRANSPORT', reason: 'timeout' });
    await vi.advanceTimersByTimeAsync(1_000);
    await failed;
  }
  const aborted = refresh(client, { revision: '2', signal: caller.signal });
  caller.abort();
  await expect(aborted).rejects.toMatchObject({ reason: 'aborted' });
  for (const signal of [closing.signal, caller.signal])
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('waits between two attempts, up to a second', async () => {
  const { client, fetches } = createClient();
  const failed = expect(refresh(client, { revision: '2', timeoutMs: 20_000 })).rejects.toMatchObject({
    reason: 'timeout',
  });
  await vi.advanceTimersByTimeAsync(20_000);
  await failed;
  expect(fetches()).toBeGreaterThan(15);
  expect(fetches()).toBeLessThan(100);
});

it('ends at once when the client is closed', async () => {
  const { client, closing } = createClient();
  const failed = expect(refresh(client, { revision: '2' })).rejects.toMatchObject({
    code: 'ERR_CLIENT_CLOSED',
  });
  await vi.advanceTimersByTimeAsync(150);
  closing.abort();
  await vi.advanceTimersByTimeAsync(0);
  await failed;
  expect(vi.getTimerCount()).toBe(0);
});

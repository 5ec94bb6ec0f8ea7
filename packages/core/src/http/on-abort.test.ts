import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AuthenticatedRequester } from '../api/authenticated-requester.ts';
import { createSnapshotEventStream } from '../client/snapshot-event-stream.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { deferred, setUp, tokenResponse } from '../test-support/token-fixture.ts';
import { createTestClient } from '../testing.ts';

// A server passes one signal, such as that of its shutdown, to many calls. Node warns from the eleventh listener on.

const CALLERS = 50;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);
beforeAll(() => void process.on('warning', onWarning));
afterAll(() => void process.off('warning', onWarning));
beforeEach(() => void warnings.splice(0));

async function expectNoListeners(signal: AbortSignal): Promise<void> {
  await nextTurn();
  expect(warnings).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
}

function many<Result>(call: () => Promise<Result>): Promise<PromiseSettledResult<Result>[]> {
  return Promise.allSettled(Array.from({ length: CALLERS }, call));
}

const eventStream = (): Response =>
  new Response(':\n\n', { headers: { 'content-type': 'text/event-stream' } });
const throttled = (): Response => new Response('{}', { status: 429, headers: { 'retry-after': '1' } });

/** A requester whose API responds after `release`. */
function setUpRequester(respond: () => Response) {
  const released = deferred<void>();
  /** The signals passed to `fetch`. */
  const signals: AbortSignal[] = [];
  const { provider } = setUp([tokenResponse('t1')]);
  const requester = new AuthenticatedRequester({
    apiUrl: 'https://api.example.com',
    tokenProvider: provider,
    fetch: async (_, init) => {
      if (init?.signal) signals.push(init.signal);
      await released.promise;
      return respond();
    },
  });
  return { requester, release: () => released.resolve(), signals };
}

describe('one signal for many callers', () => {
  it('has no listeners after they got a token', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise]);
    const { signal } = new AbortController();
    const calls = many(() => provider.getAccessToken({ signal }));
    await nextTurn();
    slow.resolve(tokenResponse('t1'));
    expect(await calls).toEqual(Array(CALLERS).fill({ status: 'fulfilled', value: 't1' }));
    await expectNoListeners(signal);
  });

  it('has no listeners after they waited for a Retry-After', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { provider } = setUp([throttled(), tokenResponse('t1')], { waitWhenThrottled: true });
    const { signal } = new AbortController();
    const calls = many(() => provider.getAccessToken({ signal }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await calls).toEqual(Array(CALLERS).fill({ status: 'fulfilled', value: 't1' }));
    await expectNoListeners(signal);
  });

  it('has no listeners after they sent requests', async () => {
    const { requester, release } = setUpRequester(() => Response.json({ ok: true }));
    const { signal } = new AbortController();
    const calls = many(() => requester.json({ method: 'GET', path: ['things'], signal }));
    await nextTurn();
    release();
    for (const call of await calls) expect(call).toMatchObject({ value: { body: { ok: true } } });
    await expectNoListeners(signal);
  });

  it('has no listeners after they read streams, nor do the signals of the requests', async () => {
    const { requester, release, signals } = setUpRequester(eventStream);
    const { signal } = new AbortController();
    const calls = many(() => requester.stream({ method: 'GET', path: ['things'], signal }));
    release();
    for (const call of await calls) {
      if (call.status === 'rejected') throw call.reason;
      expect(await new Response(call.value).text()).toBe(':\n\n');
    }
    await expectNoListeners(signal);
    // Otherwise the stream would live as long as the request that `fetch` keeps.
    expect(signals).toHaveLength(CALLERS);
    for (const own of signals) await expectNoListeners(own);
  });

  it('has no listeners after it ended snapshot streams', async () => {
    const client = createTestClient({
      config: defineConfig({ limits: { cartItems: defineLimit({ default: 20 }) } }),
    });
    const controller = new AbortController();
    const { signal } = controller;
    const streams = Array.from({ length: CALLERS }, () =>
      createSnapshotEventStream(client, undefined, { signal }),
    );
    controller.abort();
    for (const stream of streams) expect(await new Response(stream).text()).toContain('event: snapshot');
    await expectNoListeners(signal);
  });

  it('ends the waits of all of them when it aborts, and of no other caller', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise]);
    const { requester } = setUpRequester(eventStream);
    const controller = new AbortController();
    const { signal } = controller;
    const other = provider.getAccessToken({ signal: new AbortController().signal });
    const calls = [
      many(() => provider.getAccessToken({ signal })),
      many(() => requester.json({ method: 'GET', path: ['things'], signal })),
    ];
    await nextTurn();
    controller.abort();
    for (const call of (await Promise.all(calls)).flat()) {
      expect(call).toMatchObject({ status: 'rejected', reason: { reason: 'aborted' } });
    }
    slow.resolve(tokenResponse('t1'));
    expect(await other).toBe('t1');
    await expectNoListeners(signal);
  });
});

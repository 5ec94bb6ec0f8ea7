import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuthenticatedRequester } from '../api/authenticated-requester.ts';
import { createSnapshotEventStream } from '../client/snapshot-event-stream.ts';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { deferred, setUp, tokenAnswer } from '../test-support/token-fixture.ts';
import { createTestClient } from '../testing.ts';

// A server hands one signal, such as that of its shutdown, to all it calls. Node warns from the eleventh listener on.

const CALLERS = 50;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);
beforeAll(() => void process.on('warning', onWarning));
afterAll(() => void process.off('warning', onWarning));
beforeEach(() => void warnings.splice(0));

async function expectNoTrace(signal: AbortSignal): Promise<void> {
  await nextTurn();
  expect(warnings).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
}

function many<Result>(call: () => Promise<Result>): Promise<PromiseSettledResult<Result>[]> {
  return Promise.allSettled(Array.from({ length: CALLERS }, call));
}

const events = (): Response => new Response(':\n\n', { headers: { 'content-type': 'text/event-stream' } });
const throttled = (): Response => new Response('{}', { status: 429, headers: { 'retry-after': '1' } });

/** A requester that asks for `tokens` and whose API waits for `release`. */
function setUpRequester(answer: () => Response) {
  const released = deferred<void>();
  /** Those that `fetch` got. */
  const signals: AbortSignal[] = [];
  const { provider } = setUp([tokenAnswer('t1')]);
  const requester = new AuthenticatedRequester({
    apiUrl: 'https://api.example.com',
    tokenProvider: provider,
    fetch: async (_, init) => {
      if (init?.signal) signals.push(init.signal);
      await released.promise;
      return answer();
    },
  });
  return { requester, release: () => released.resolve(), signals };
}

describe('many callers with one signal', () => {
  it('wait for a token, and leave nothing on it', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise]);
    const { signal } = new AbortController();
    const calls = many(() => provider.getAccessToken({ signal }));
    await nextTurn();
    slow.resolve(tokenAnswer('t1'));
    expect(await calls).toEqual(Array(CALLERS).fill({ status: 'fulfilled', value: 't1' }));
    await expectNoTrace(signal);
  });

  it('wait for a token through a pause', async () => {
    const { provider } = setUp([throttled(), tokenAnswer('t1')], { waitWhenThrottled: true });
    const { signal } = new AbortController();
    const calls = await many(() => provider.getAccessToken({ signal }));
    expect(calls).toEqual(Array(CALLERS).fill({ status: 'fulfilled', value: 't1' }));
    await expectNoTrace(signal);
  });

  it('send requests', async () => {
    const { requester, release } = setUpRequester(() => Response.json({ ok: true }));
    const { signal } = new AbortController();
    const calls = many(() => requester.json({ method: 'GET', path: ['things'], signal }));
    await nextTurn();
    release();
    for (const call of await calls) expect(call).toMatchObject({ value: { body: { ok: true } } });
    await expectNoTrace(signal);
  });

  it('read streams, and let go of it and of their own when they end', async () => {
    const { requester, release, signals } = setUpRequester(events);
    const { signal } = new AbortController();
    const calls = many(() => requester.stream({ method: 'GET', path: ['things'], signal }));
    release();
    for (const call of await calls) {
      if (call.status === 'rejected') throw call.reason;
      expect(await new Response(call.value).text()).toBe(':\n\n');
    }
    await expectNoTrace(signal);
    // What `fetch` keeps of a request is collected only where nothing of the stream hangs on its signal.
    expect(signals).toHaveLength(CALLERS);
    for (const own of signals) await expectNoTrace(own);
  });

  it('stream snapshots, until it aborts', async () => {
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
    await expectNoTrace(signal);
  });

  it('are all told when it aborts, and nobody else is', async () => {
    const slow = deferred<Response>();
    const { provider } = setUp([slow.promise]);
    const { requester } = setUpRequester(events);
    const controller = new AbortController();
    const { signal } = controller;
    const staying = provider.getAccessToken({ signal: new AbortController().signal });
    const calls = [
      many(() => provider.getAccessToken({ signal })),
      many(() => requester.json({ method: 'GET', path: ['things'], signal })),
    ];
    await nextTurn();
    controller.abort();
    for (const call of (await Promise.all(calls)).flat()) {
      expect(call).toMatchObject({ status: 'rejected', reason: { reason: 'aborted' } });
    }
    slow.resolve(tokenAnswer('t1'));
    expect(await staying).toBe('t1');
    await expectNoTrace(signal);
  });
});

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { defineLimit } from '../schema/limit.ts';
import { applySnapshotPatch } from '../snapshot/snapshot-diff.ts';
import type { RulesetSink, RulesetSource } from '../sources/ruleset-source.ts';
import { createTestClient, type TestClient } from '../testing.ts';
import type { JsonValue, Ruleset, Snapshot, SnapshotPatch, TargetedValue } from '../wire.ts';
import { createConfigClient } from './config-client.ts';
import { createSnapshotEventStream } from './snapshot-event-stream.ts';

const config = defineConfig({
  public: { supportEmail: z.string().default('help@example.com') },
  secrets: { paymentKey: z.string().default('unset') },
  flags: { newCheckout: z.boolean().default(false), freeShipping: z.boolean().default(false) },
  limits: { cartItems: defineLimit({ default: 20, min: 1, max: 100_000 }) },
});

const byCountry = (country: string): TargetedValue<boolean> => ({
  $cohort: {
    rules: [{ id: country, when: { attribute: 'country', op: 'in', values: [country] }, value: true }],
    defaultValue: false,
  },
});

/** Counts the listeners of a client: for changes, and for its end. */
function countListeners(client: TestClient<typeof config>): () => [changes: number, ends: number] {
  const open: [number, number] = [0, 0];
  const counted = (which: 0 | 1, remove: () => void): (() => void) => {
    open[which] += 1;
    return () => {
      open[which] -= 1;
      remove();
    };
  };
  const subscribe = client.subscribe.bind(client);
  const onClose = client.onClose.bind(client);
  client.subscribe = (listener) => counted(0, subscribe(listener));
  client.onClose = (listener) => counted(1, onClose(listener));
  return () => [...open];
}

function readEvents(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const queue: EventSourceMessage[] = [];
  const comments: string[] = [];
  const pings: string[] = [];
  const parser = createParser({
    onEvent: (message) => {
      if (message.event === 'ping') pings.push(message.data);
      else queue.push(message);
    },
    onComment: (comment) => comments.push(comment),
  });
  const pump = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (!done) parser.feed(decoder.decode(value, { stream: true }));
    return done;
  };
  return {
    comments,
    pings,
    pump,
    cancel: () => reader.cancel(),
    async next(): Promise<{ event: string | undefined; id: string | undefined; data: unknown } | undefined> {
      while (queue.length === 0) if (await pump()) return undefined;
      const message = queue.shift();
      return message && { event: message.event, id: message.id, data: JSON.parse(message.data) };
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('createSnapshotEventStream', () => {
  it('sends a snapshot first, then patches with only what changed', async () => {
    const client = createTestClient({ config });
    const events = readEvents(createSnapshotEventStream(client));
    const first = await events.next();
    expect(first).toMatchObject({ event: 'snapshot', data: client.snapshot() });
    expect(first?.id).toBe(client.snapshot().revision);
    client.set({ flags: { newCheckout: true } });
    const second = await events.next();
    const { revision } = client.snapshot();
    expect(second).toEqual({
      event: 'patch',
      id: revision,
      data: { revision, flags: { newCheckout: { value: true, source: 'raw' } } },
    });
    await events.cancel();
  });

  it('sends nothing about changes that do not affect the context, such as secrets', async () => {
    const client = createTestClient({ config });
    const stream = createSnapshotEventStream(client, { country: 'BE' });
    const events = readEvents(stream);
    client.set({ secrets: { paymentKey: 'sk-live-123' } });
    client.set({ flags: { freeShipping: byCountry('NL') } });
    client.set({ flags: { newCheckout: true } });
    expect((await events.next())?.event).toBe('snapshot');
    const patch = (await events.next())?.data as SnapshotPatch;
    expect(patch).not.toHaveProperty('secrets');
    // freeShipping was and is false by default in this context, so it is not in the patch.
    expect(patch.flags).toEqual({ newCheckout: { value: true, source: 'raw' } });
    expect(JSON.stringify(patch)).not.toContain('sk-live-123');
    await events.cancel();
  });

  it('sends a new snapshot when the revision goes back, as after a restored backup', async () => {
    const whole = (revision: string, epoch: string, flags: Record<string, JsonValue>): Ruleset => {
      const empty = { public: {}, secret: {}, limits: {}, segments: {} };
      return { revision, epoch, environment: 'development', flags, ...empty };
    };
    let sink: RulesetSink | undefined;
    const source: RulesetSource = {
      start: async (started) => {
        sink = started;
        started.replace(whole('900', 'one', {}));
      },
      stop: () => undefined,
    };
    const client = await createConfigClient({ config, source }).ready();
    const events = readEvents(createSnapshotEventStream(client, { country: 'BE' }));
    expect(await events.next()).toMatchObject({ event: 'snapshot', id: '900' });
    sink?.replace(whole('7', 'two', { freeShipping: byCountry('NL') as JsonValue }));
    sink?.replace(whole('8', 'two', { newCheckout: true }));
    expect(await events.next()).toMatchObject({ event: 'snapshot', id: '7' });
    expect(await events.next()).toMatchObject({ event: 'patch', id: '8' });
    await events.cancel();
    await client.close();
  });

  it('keeps contexts apart', async () => {
    const client = createTestClient({ config, flags: { freeShipping: byCountry('NL') } });
    const dutch = readEvents(createSnapshotEventStream(client, { country: 'NL' }));
    const belgian = readEvents(createSnapshotEventStream(client, { country: 'BE' }));
    expect((await dutch.next())?.data).toMatchObject({ flags: { freeShipping: { value: true } } });
    expect((await belgian.next())?.data).toMatchObject({ flags: { freeShipping: { value: false } } });
    client.set({ flags: { freeShipping: byCountry('BE') } });
    expect((await dutch.next())?.data).toMatchObject({ flags: { freeShipping: { value: false } } });
    expect((await belgian.next())?.data).toMatchObject({ flags: { freeShipping: { value: true } } });
    await Promise.all([dutch.cancel(), belgian.cancel()]);
  });

  it('ends and unsubscribes when the signal aborts, the reader cancels or the client closes', async () => {
    const client = createTestClient({ config });
    const open = countListeners(client);
    const controller = new AbortController();
    const aborted = readEvents(createSnapshotEventStream(client, {}, { signal: controller.signal }));
    const cancelled = readEvents(createSnapshotEventStream(client));
    const closed = readEvents(createSnapshotEventStream(client));
    for (const events of [aborted, cancelled, closed]) await events.next();
    // All streams of a client share one subscription.
    expect(open()).toEqual([1, 3]);
    controller.abort();
    expect(await aborted.next()).toBeUndefined();
    await cancelled.cancel();
    expect(open()).toEqual([1, 1]);
    client.set({ flags: { newCheckout: true } });
    expect((await closed.next())?.event).toBe('patch');
    await client.close();
    expect(open()).toEqual([0, 0]);
    expect(await closed.next()).toBeUndefined();
  });

  it('calls onEnd once', async () => {
    const client = createTestClient({ config });
    const controller = new AbortController();
    const ended: string[] = [];
    const open = (name: string, signal?: AbortSignal) =>
      createSnapshotEventStream(client, {}, { ...(signal && { signal }), onEnd: () => ended.push(name) });
    open('aborted', controller.signal);
    const cancelled = open('cancelled');
    open('closed');
    expect(ended).toEqual([]);
    controller.abort();
    await cancelled.cancel();
    await client.close();
    await client.close();
    open('already closed');
    expect(ended).toEqual(['aborted', 'cancelled', 'closed', 'already closed']);
  });

  it('ends although onEnd throws', async () => {
    const client = createTestClient({ config });
    const controller = new AbortController();
    const onEnd = (): void => {
      throw new Error('from the hook');
    };
    const events = readEvents(createSnapshotEventStream(client, {}, { signal: controller.signal, onEnd }));
    expect((await events.next())?.event).toBe('snapshot');
    controller.abort();
    expect(await events.next()).toBeUndefined();
    await client.close();
  });

  it('ends at once if the signal is aborted or the client closed', async () => {
    const client = createTestClient({ config });
    const open = countListeners(client);
    const gone = createSnapshotEventStream(client, {}, { signal: AbortSignal.abort() });
    expect(await readEvents(gone).next()).toBeUndefined();
    await client.close();
    expect(await readEvents(createSnapshotEventStream(client)).next()).toBeUndefined();
    // A closed client calls its listener at once, and keeps none.
    expect(open()[0]).toBe(0);
  });

  it('sends pings while nothing happens, each with a comment for readers that ignore events', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const client = createTestClient({ config });
    const events = readEvents(createSnapshotEventStream(client, {}, { heartbeatMs: 1000 }));
    await events.next();
    vi.advanceTimersByTime(2000);
    await events.pump();
    await events.pump();
    expect(events.pings).toEqual(['', '']);
    expect(events.comments).toHaveLength(2);
    await events.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends a ping every 15 s by default', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const events = readEvents(createSnapshotEventStream(createTestClient({ config })));
    await events.next();
    vi.advanceTimersByTime(30_000);
    await events.pump();
    await events.pump();
    expect(events.pings).toHaveLength(2);
    await events.cancel();
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '15000'])(
    'throws for the heartbeat %j, with which a timer would fire all the time',
    (heartbeatMs) => {
      const client = createTestClient({ config });
      const open = countListeners(client);
      const options = { heartbeatMs: heartbeatMs as number };
      expect(() => createSnapshotEventStream(client, {}, options)).toThrow(/"heartbeatMs" must be a number/);
      expect(open()).toEqual([0, 0]);
    },
  );

  it('queues only a few events for a slow reader, and sends what it missed as one patch', async () => {
    const client = createTestClient({ config });
    const events = readEvents(createSnapshotEventStream(client));
    for (let items = 1; items <= 1000; items++) client.set({ limits: { cartItems: items } });
    let snapshot = (await events.next())?.data as Snapshot;
    for (let patches = 0; patches < 20 && snapshot.limits.cartItems?.value !== 1000; patches++) {
      const event = await events.next();
      expect(event?.event).toBe('patch');
      snapshot = applySnapshotPatch(snapshot, event?.data as SnapshotPatch);
    }
    expect(snapshot).toEqual(client.snapshot());
    client.set({ flags: { newCheckout: true } });
    expect((await events.next())?.data).toMatchObject({ flags: { newCheckout: { value: true } } });
    await events.cancel();
  });

  it('serves many readers of one client without a leak warning', async () => {
    const warnings: string[] = [];
    const warn = (warning: Error): number => warnings.push(warning.message);
    process.on('warning', warn);
    const client = createTestClient({ config });
    const readers = Array.from({ length: 50 }, () => readEvents(createSnapshotEventStream(client)));
    await Promise.all(readers.map((events) => events.next()));
    await client.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

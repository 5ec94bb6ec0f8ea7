import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { createTestClient } from '../testing.ts';
import type { TargetedValue } from '../wire.ts';
import { createSnapshotEventStream } from './snapshot-event-stream.ts';

const names = Array.from({ length: 50 }, (_, index) => `flag${index}`);
const config = defineConfig({
  flags: Object.fromEntries(names.map((name) => [name, z.boolean().default(false)])),
});

const onlyIn = (country: string): TargetedValue<boolean> => ({
  $cohort: {
    rules: [{ id: country, when: { attribute: 'country', op: 'in', values: [country] }, value: true }],
    defaultValue: false,
  },
});

/** A client whose flags all read the attribute `country`, and a context that counts those reads. */
function setUp() {
  const flags = Object.fromEntries(names.map((name) => [name, onlyIn('NL')]));
  const client = createTestClient({ config, flags });
  const counts = { evaluations: 0 };
  const contextOf = (country: string) => ({
    get country() {
      counts.evaluations++;
      return country;
    },
  });
  return { client, counts, contextOf };
}

/** Reads a stream to the end, and keeps its text. */
function readAll(stream: ReadableStream<Uint8Array>): { text: string } {
  const read = { text: '' };
  const decoder = new TextDecoder();
  void (async () => {
    for await (const chunk of stream) read.text += decoder.decode(chunk, { stream: true });
  })();
  return read;
}

// A turn of the event loop ends early on a slow machine. With a clock that stands still it serves all of these readers.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('many snapshot streams of one client', () => {
  it('evaluate only the keys that changed', async () => {
    const { client, counts, contextOf } = setUp();
    const readers = ['NL', 'BE', 'NL'].map((country) =>
      readAll(createSnapshotEventStream(client, contextOf(country))),
    );
    expect(counts.evaluations).toBe(3 * names.length);
    counts.evaluations = 0;
    client.set({ flags: { flag7: onlyIn('BE') } });
    expect(counts.evaluations).toBe(3);
    await nextTurn();
    for (const { text } of readers) expect(text).toMatch(/event: patch\ndata: \{[^\n]*"flag7"[^\n]*\}\n\n$/);
    await client.close();
  });

  it('evaluate only the keys that use a segment when the segment changes', async () => {
    const { client, counts, contextOf } = setUp();
    const when = { segment: 'near' };
    const near = { $cohort: { rules: [{ id: 'near', when, value: true }], defaultValue: false } };
    client.set({
      flags: { flag1: near, flag2: near },
      segments: { near: { attribute: 'country', op: 'in', values: ['NL'] } },
    });
    const reader = readAll(createSnapshotEventStream(client, contextOf('BE')));
    counts.evaluations = 0;
    client.set({ segments: { near: { attribute: 'country', op: 'in', values: ['BE'] } } });
    expect(counts.evaluations).toBe(2);
    await nextTurn();
    expect(reader.text).toMatch(/event: patch\ndata: \{[^\n]*"flag1"[^\n]*"flag2"[^\n]*\}\n\n$/);
    await client.close();
  });

  it('are served in turns of the event loop, and all get the last of several changes', async () => {
    const { client, counts, contextOf } = setUp();
    const readers = Array.from({ length: 1_000 }, (_, index) =>
      readAll(createSnapshotEventStream(client, contextOf(index % 2 === 0 ? 'NL' : 'BE'))),
    );
    counts.evaluations = 0;
    client.set({ flags: { flag3: onlyIn('BE') } });
    const inFirstTurn = counts.evaluations;
    expect(inFirstTurn).toBeGreaterThan(0);
    expect(inFirstTurn).toBeLessThanOrEqual(100);
    // Other work of the process has its turn before all streams are served.
    await nextTurn();
    expect(counts.evaluations).toBeLessThan(1_000);
    client.set({ flags: { flag3: true, flag4: true } });
    await expect
      .poll(() => readers.filter(({ text }) => text.includes('"flag3":{"value":true,"source":"raw"}')).length)
      .toBe(1_000);
    for (const { text } of readers) expect(text).toContain('"flag4":{"value":true,"source":"raw"}');
    await client.close();
  });

  it('share the bytes of a patch that is the same for all', async () => {
    const { client } = setUp();
    const chunks = new Set<Uint8Array>();
    const streams = Array.from({ length: 5 }, () => createSnapshotEventStream(client).getReader());
    for (const stream of streams) await stream.read();
    client.set({ flags: { flag1: true } });
    for (const stream of streams) chunks.add((await stream.read()).value as Uint8Array);
    expect(chunks.size).toBe(1);
    await client.close();
  });

  it('go on when the context of one of them cannot be evaluated', async () => {
    const { client } = setUp();
    let isBroken = false;
    const broken = createSnapshotEventStream(client, {
      get country() {
        if (isBroken) throw new Error('broken context');
        return 'NL';
      },
    }).getReader();
    const reader = readAll(createSnapshotEventStream(client, { country: 'NL' }));
    await broken.read();
    isBroken = true;
    client.set({ flags: { flag1: onlyIn('BE') } });
    await expect.poll(() => reader.text).toContain('event: patch');
    await Promise.allSettled([broken.read()]);
    client.set({ flags: { flag1: onlyIn('NL') } });
    await expect.poll(() => reader.text.split('event: patch').length).toBe(3);
    await client.close();
  });
});

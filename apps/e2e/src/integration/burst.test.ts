import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defineConfig } from '@smooai/config';
import { ConfigApi, createConfigClient, RemoteSource } from '@smooai/config/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { startScript } from './child-script.ts';
import { makeClient, openEnvironment, Reader, startShop } from './live-shop.ts';

const soon = { timeout: 60_000, interval: 5 };
const changes = 10_000;
const keys = 50;
const paddingLength = 1_000;
const number = z.number().default(0);
const numbers = Object.fromEntries(Array.from({ length: keys }, (_, index) => [`key${index}`, number]));
const config = defineConfig({
  public: { padding: z.string().default('') },
  flags: { left: number, right: number, ...numbers },
});

describe('a client', () => {
  it('applies a burst of 10,000 changes, each whole, without blocking the event loop', async () => {
    const server = await startScript('change-server.mjs', { PADDING: String(paddingLength) });
    onTestFinished(() => server.stop());
    const { url } = await server.next<{ url: string }>();
    const tokenProvider = { getAccessToken: async () => 'a-token', invalidate: () => undefined };
    const api = new ConfigApi({ apiUrl: url, organizationId: 'o', tokenProvider });
    const source = new RemoteSource({ api, config, environment: 'development' });
    const client = await createConfigClient({ config, source }).ready();
    onTestFinished(() => client.close());
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    const read = (key: string): unknown => client.flag(key as 'left');
    const batches: { left: unknown; right: unknown; revision: string }[] = [];
    client.subscribe(({ revision }) => {
      batches.push({ left: read('left'), right: read('right'), revision });
    });

    const heapBefore = collectedHeap();
    const turns = new LoopTurns();
    server.send({ burst: changes });
    await vi.waitFor(() => expect(read('left')).toBe(changes), soon);
    const { longest, total, count } = turns.stop();
    const grown = collectedHeap() - heapBefore;

    const last = Array.from({ length: keys }, (_, index) => read(`key${index}`));
    const expected = Array.from({ length: keys }, (_, index) => changes - ((changes - index) % keys));
    expect(last).toEqual(expected);
    expect(client.health()).toMatchObject({ status: 'ready', revision: String(changes) });
    for (const { left, right, revision } of batches) expect([left, String(left)]).toEqual([right, revision]);
    const versions = batches.map(({ left }) => Number(left));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    process.stdout.write(
      `${changes} changes: ${batches.length} batches in ${total / 1_000} ms of computing, ${count} turns of the event loop, ` +
        `the longest ${longest / 1_000} ms; heap growth ${(grown / 1024).toFixed(0)} kB\n`,
    );
    expect(count).toBeGreaterThan(5);
    expect(longest).toBeLessThan(total * 0.75);
    // All events together have more than 12 MB.
    expect(grown).toBeLessThan((changes * paddingLength) / 4);
  });

  it('applies 300 writes to the real server, each whole', async () => {
    const shop = await startShop();
    const environment = await openEnvironment(shop, 'development');
    const client = await makeClient(shop.credentials, {
      url: shop.server.url,
      environment: 'development',
    }).ready();
    const reader = new Reader(client);
    onTestFinished(async () => {
      reader.stop();
      await client.close();
      await shop.server.close();
    });
    await vi.waitFor(() => expect(client.health().transport).toBe('stream'), soon);
    for (let version = 1; version <= 300; version += 1) await environment.write(version);
    await vi.waitFor(() => expect(client.flag('left')).toBe(300), soon);
    expect([reader.faults, reader.steppedBack()]).toEqual([[], []]);
    expect(client.health().revision).toBe((await environment.ruleset()).revision);
  });
});

/** Counts the turns of the event loop, and their computing time in µs: a busy machine may stop in any turn. */
class LoopTurns {
  #last = computingTime();
  readonly #startedAt = this.#last;
  #longest = 0;
  #count = 0;
  #isOver = false;

  constructor() {
    this.#turn();
  }

  stop(): { longest: number; total: number; count: number } {
    this.#isOver = true;
    return { longest: this.#longest, total: computingTime() - this.#startedAt, count: this.#count };
  }

  #turn(): void {
    if (this.#isOver) return;
    const now = computingTime();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
    this.#count += 1;
    setImmediate(() => this.#turn());
  }
}

function computingTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function collectedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn += 1) collect();
  return process.memoryUsage().heapUsed;
}

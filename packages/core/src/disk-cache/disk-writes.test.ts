import { existsSync } from 'node:fs';
import fs, { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { type CachedClient, makeCachedClient } from '../test-support/cached-client.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';

const config = defineConfig({ public: { title: z.string().default('Shop') } });
const ruleset = (revision: string): Ruleset =>
  rulesetOf({ revision, public: { title: `Title ${revision}` } });
const nextTurn = globalThis.setImmediate;

let directory = '';
let file = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writes-'));
  file = join(directory, 'config.json');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await rm(directory, { recursive: true });
});

type Client = CachedClient<typeof config>;

/** A client that has written revision 1. */
async function start(writeIntervalMs?: number): Promise<Client> {
  const cache = { file, ...(writeIntervalMs !== undefined && { writeIntervalMs }) };
  const running = makeCachedClient(config, { file, first: ruleset('1') }, { cache });
  await running.client.ready();
  await eventsOf(running, ['written 1']);
  // The event comes before the lock is removed, which would otherwise be one that a test has written by then.
  while (existsSync(`${file}.lock`)) await new Promise<void>((resolve) => nextTurn(() => resolve()));
  return running;
}

function described({ cacheEvents }: Client): string[] {
  return cacheEvents().map((event) => `${event.status} ${'revision' in event ? event.revision : ''}`.trim());
}

/** Waits for these events, with all timers that are due. The files are real, so their promises take turns. */
async function eventsOf(running: Client, expected: string[]): Promise<void> {
  while (described(running).length < expected.length) {
    vi.advanceTimersByTime(0);
    await new Promise<void>((resolve) => nextTurn(() => resolve()));
  }
  expect(described(running)).toEqual(expected);
}

/** Lets a write that should not happen run, if it was started. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    vi.advanceTimersByTime(0);
    await new Promise<void>((resolve) => nextTurn(() => resolve()));
    await readFile(file).catch(() => undefined);
  }
}

describe('writes', () => {
  it.each([
    ['a second', undefined, 1_000],
    ['the interval that is set', 5_000, 5_000],
  ])('of changes in a row are one each: %s', async (_, writeIntervalMs, intervalMs) => {
    const running = await start(writeIntervalMs);
    running.source.sink?.replace(ruleset('2'));
    running.source.sink?.replace(ruleset('3'));
    vi.advanceTimersByTime(intervalMs - 1);
    await manyTurns();
    expect(described(running)).toEqual(['written 1']);
    vi.advanceTimersByTime(1);
    await eventsOf(running, ['written 1', 'written 3']);
    // The next interval has begun.
    running.source.sink?.replace(ruleset('4'));
    await manyTurns();
    expect(described(running)).toHaveLength(2);
    await running.client.close();
    await eventsOf(running, ['written 1', 'written 3', 'written 4']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('renew the age of unchanged values once a minute, when the server confirms them', async () => {
    const running = await start();
    vi.advanceTimersByTime(59_999);
    running.source.sink?.confirm();
    // A write would begin with a timer.
    expect(vi.getTimerCount()).toBe(0);
    expect(described(running)).toEqual(['written 1']);
    vi.advanceTimersByTime(1);
    running.source.sink?.confirm();
    await eventsOf(running, ['written 1', 'written 1']);
    await running.client.close();
  });

  it('are tried again two seconds after another process held the lock, and not after the client is closed', async () => {
    const running = await start();
    const lock = JSON.stringify(['another-machine', 1]);
    await writeFile(`${file}.lock`, lock);
    // It must not seem old, however far the clock of this test goes.
    const later = Date.now() / 1000 + 86_400;
    await utimes(`${file}.lock`, later, later);
    running.source.sink?.replace(ruleset('2'));
    const busy = async (): Promise<void> => {
      const count = described(running).length;
      while (described(running).length === count) {
        vi.advanceTimersByTime(20);
        await new Promise<void>((resolve) => nextTurn(() => resolve()));
      }
    };
    await busy();
    expect(described(running)).toEqual(['written 1', 'write-failed']);
    expect(running.cacheEvents().at(-1)).toMatchObject({ message: expect.stringContaining('its lock') });
    expect(vi.getTimerCount()).toBe(1);
    const closed = running.client.close();
    await busy();
    await closed;
    expect(described(running).at(-1)).toBe('write-failed');
    expect(vi.getTimerCount()).toBe(0);
    expect(await readFile(`${file}.lock`, 'utf8')).toBe(lock);
  });
});

describe('the lock of a write', () => {
  it('names the machine and the process, so that others know when its process has ended', async () => {
    const { rename } = fs;
    let lock = '';
    vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      lock = await readFile(`${file}.lock`, 'utf8');
      await rename(from, to);
    });
    const { client } = await start();
    await client.close();
    expect(JSON.parse(lock)).toEqual([hostname(), process.pid]);
  });

  it('is respected if its process belongs to another user', async () => {
    vi.useRealTimers();
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    const lock = JSON.stringify([hostname(), 2 ** 30]);
    await writeFile(`${file}.lock`, lock);
    const { client, cacheEvents } = makeCachedClient(config, { file, first: ruleset('1') });
    await client.ready();
    await client.close();
    expect(cacheEvents().map(({ status }) => status)).toEqual(['write-failed']);
    expect(await readFile(`${file}.lock`, 'utf8')).toBe(lock);
  });

  it('that cannot be made is reported with the reason', async () => {
    const refused = Object.assign(new Error('not permitted'), { code: 'EACCES' });
    vi.spyOn(fs, 'writeFile').mockRejectedValue(refused);
    const running = makeCachedClient(config, { file, first: ruleset('1') });
    await running.client.ready();
    await running.client.close();
    expect(running.cacheEvents()).toMatchObject([
      { status: 'write-failed', message: expect.stringContaining('EACCES') },
    ]);
  });
});

describe('the options of a disk copy', () => {
  const make = async (cache: object, more: object = {}): Promise<void> => {
    const options = { cache: { file, ...cache }, ...more };
    const { client } = makeCachedClient(config, { file, first: ruleset('1') }, options);
    try {
      await client.ready();
    } finally {
      await client.close();
    }
  };

  it.each([
    [{ file: '' }, 'cache.file'],
    [{ file: 7 }, 'cache.file'],
    [{ secrets: 'plain' }, 'cache.secrets'],
    [{ writeIntervalMs: -1 }, 'cache.writeIntervalMs'],
    [{ writeIntervalMs: 86_400_001 }, 'cache.writeIntervalMs'],
    [{ writeIntervalMs: Number.NaN }, 'cache.writeIntervalMs'],
  ])('are refused by name: %j', async (cache, name) => {
    await expect(make(cache)).rejects.toMatchObject({
      option: 'cache',
      message: expect.stringContaining(name),
    });
  });

  it('are accepted at their limits', async () => {
    for (const writeIntervalMs of [0, 86_400_000]) await make({ writeIntervalMs });
    for (const secrets of ['omit', 'encrypt', undefined]) await make({ secrets });
  });

  it('need a client secret to encrypt with, and none to leave secrets out', async () => {
    const more = { clientSecret: undefined };
    for (const secrets of ['encrypt', undefined])
      await expect(make({ secrets }, more)).rejects.toMatchObject({
        option: 'cache',
        message: expect.stringContaining('client secret'),
      });
    await make({ secrets: 'omit' }, more);
  });
});

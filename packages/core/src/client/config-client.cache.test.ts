import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../../../scripts/free-port.mjs';
import { defineConfig } from '../schema/define-config.ts';
import { CACHED_SETTINGS, makeCachedClient } from '../test-support/cached-client.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientOptions } from './client-options.ts';

const config = defineConfig({
  public: { apiBaseUrl: z.url() },
  secrets: { databaseUrl: z.url() },
  flags: { newCheckout: z.boolean().default(false) },
});

const databaseUrl = 'postgres://user:hunter2@db.example:5432/shop';
const refused = new Error('connection refused');
const required = { public: { apiBaseUrl: 'https://api.example.com' }, secrets: { databaseUrl } };

const ruleset = (values: Partial<Ruleset> = {}): Ruleset =>
  rulesetOf({
    revision: '7',
    public: { apiBaseUrl: 'https://api.example.com' },
    secret: { databaseUrl },
    flags: { newCheckout: true },
    ...values,
  });

let directory = '';
let file = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cache-'));
  file = join(directory, 'deep', 'config.json');
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

type Options = Partial<ConfigClientOptions<typeof config>>;

const makeClient = (first: Ruleset | Error | 'nothing', options: Options = {}) =>
  makeCachedClient(config, { file, first }, options);

/** Writes a disk copy. */
async function writeCopy(values: Ruleset = ruleset(), options: Options = {}): Promise<void> {
  const { client } = makeClient(values, options);
  await client.ready();
  await client.close();
}

/**
 * Waits with real turns of the event loop, for files and sockets, and lets faked time pass in each. Without
 * `stepMs` no time passes, so no deadline can.
 */
async function waitUntil(isDone: () => boolean, stepMs = 0): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!isDone() && Date.now() < giveUpAt) {
    await vi.advanceTimersByTimeAsync(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Dates a file so that it does not become older than ten seconds, however long the test takes. */
async function keepYoung(path: string): Promise<void> {
  const later = new Date(Date.now() + 3_600_000);
  await utimes(path, later, later);
}

async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string; cause?: unknown }> {
  return work.then(
    () => expect.unreachable(),
    (error) => error,
  );
}

describe('the disk copy', () => {
  it('starts a client without its server, with an event, and the client keeps trying', async () => {
    await writeCopy();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    vi.advanceTimersByTime(60_000);
    const { client, source, events } = makeClient(refused);
    await client.ready();
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.flag('newCheckout')).toBe(true);
    expect(client.origin('newCheckout')).toBe('cache');
    expect(client.health()).toMatchObject({ status: 'stale', transport: 'cache', revision: '7' });
    expect(client.health().ageMs).toBeGreaterThanOrEqual(60_000);
    expect(events).toContainEqual({ type: 'fallback', from: 'cache', error: refused });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'cache', status: 'loaded', revision: '7' }),
    );

    source.next = ruleset({ revision: '3', flags: { newCheckout: false } });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(client.flag('newCheckout')).toBe(false);
    expect(client.origin('newCheckout')).toBe('server');
    expect(client.health()).toMatchObject({ status: 'ready', transport: 'stream', revision: '3' });
    vi.useRealTimers();
    await client.close();
  });

  it('is used if the server does not respond in time', async () => {
    await writeCopy();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, events, source } = makeClient('nothing');
    const started = client.ready({ timeoutMs: 20 });
    // The time that the disk takes must not count.
    await waitUntil(() => source.starts === 1);
    await vi.advanceTimersByTimeAsync(20);
    await started;
    expect(client.flag('newCheckout')).toBe(true);
    expect(events).toContainEqual({
      type: 'fallback',
      from: 'cache',
      error: expect.objectContaining({ code: 'ERR_READY_TIMEOUT' }),
    });
    await client.close();
  });

  it('reports why the server could not be reached, with and without a fallback', async () => {
    const closed = `http://127.0.0.1:${await freePort(0)}`;
    const unreachable = { source: undefined, apiUrl: closed, authUrl: closed, clientId: 'shop' };
    const error = { code: 'ERR_READY_TIMEOUT', message: expect.stringContaining('ECONNREFUSED') };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (const fallback of ['cached', undefined] as const) {
      const options = { ...unreachable, fallback, bundled: { defaults: required } };
      const { client, events } = makeClient('nothing', options);
      const outcome = client.ready({ timeoutMs: 50 }).catch((reason: unknown) => reason);
      await waitUntil(() => client.health().token?.lastFailure !== undefined);
      await vi.advanceTimersByTimeAsync(50);
      const event = events.find(({ type }) => type === 'fallback');
      if (fallback === undefined) expect(await outcome).toMatchObject(error);
      else expect([await outcome, event]).toEqual([client, expect.objectContaining({ from: 'file' })]);
      if (event?.type === 'fallback') expect(event.error).toMatchObject(error);
      await client.close();
    }
  });

  it('can only be read by its owner, and shows no secret', async () => {
    await writeCopy();
    const text = await readFile(file, 'utf8');
    expect(text).toContain('api.example.com');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(CACHED_SETTINGS.clientSecret);
    expect(text).not.toContain(CACHED_SETTINGS.apiUrl);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'deep'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory, 'deep'))).toEqual(['config.json']);
  });

  it('may leave out secrets, which a start without the server then lacks', async () => {
    const cache = { file, secrets: 'omit' as const };
    await writeCopy(ruleset(), { cache });
    expect(JSON.parse(await readFile(file, 'utf8'))).not.toHaveProperty('secrets');
    const error = await failureOf(makeClient(refused, { cache }).client.ready());
    expect(error).toMatchObject({ code: 'ERR_VALUES_INVALID', cause: refused });
    expect(error.message).toContain('secrets.databaseUrl');
  });

  it('keeps the last valid value in place of one that the schema rejects', async () => {
    const { client, source } = makeClient(ruleset());
    await client.ready();
    source.sink?.patch({
      revision: '8',
      changes: [{ tier: 'secret', key: 'databaseUrl', value: 'not a url' }],
    });
    source.sink?.patch({ revision: '9', changes: [{ tier: 'public', key: 'apiBaseUrl', deleted: true }] });
    expect(client.public('apiBaseUrl')).toBe('https://api.example.com');
    expect(client.health().invalidKeys.map(({ code }) => code)).toEqual([
      'ERR_VALUE_INVALID',
      'ERR_VALUE_MISSING',
    ]);
    await client.close();
    const offline = makeClient(refused).client;
    await offline.ready();
    expect(offline.health().revision).toBe('9');
    expect(offline.secret('databaseUrl')).toBe(databaseUrl);
    expect(offline.public('apiBaseUrl')).toBe('https://api.example.com');
    await offline.close();
  });

  it('also provides the last valid value at a start with an invalid value from the server', async () => {
    await writeCopy();
    const { client } = makeClient(ruleset({ revision: '8', secret: { databaseUrl: 'not a url' } }));
    await client.ready();
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.origin('databaseUrl')).toBe('cache');
    expect(client.health()).toMatchObject({ status: 'ready', invalidKeys: [{ key: 'databaseUrl' }] });
    await client.close();
  });

  it('is not read without a fallback', async () => {
    await writeCopy();
    const { client, events } = makeClient(refused, { fallback: undefined });
    expect(await failureOf(client.ready())).toBe(refused);
    expect(events.filter(({ type }) => type === 'cache')).toEqual([]);
  });

  it('is served at once by a client that starts in the background', async () => {
    await writeCopy();
    const { client } = makeClient('nothing', { start: 'background', fallback: undefined });
    await vi.waitFor(() => expect(client.origin('newCheckout')).toBe('cache'), { timeout: 30_000 });
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    expect(client.health()).toMatchObject({ status: 'starting', transport: 'cache' });
    await client.close();
  });
});

describe('an invalid disk copy', () => {
  async function outcome(options: Options = {}): Promise<{ reason: string | undefined; error: Error }> {
    const { client, events } = makeClient(refused, options);
    const error = await failureOf(client.ready());
    const event = events.find((entry) => entry.type === 'cache' && entry.status === 'refused');
    return {
      reason: event?.type === 'cache' && event.status === 'refused' ? event.reason : undefined,
      error,
    };
  }

  it('is refused whichever byte was changed or lost', async () => {
    await writeCopy();
    const text = await readFile(file, 'utf8');
    const broken = [text.slice(0, -20), '', text.slice(0, 60), text.replace('"newCheckout', '"newCheckouT')];
    for (let at = 5; at < text.length; at += 37) {
      const other = text[at] === 'x' ? 'y' : 'x';
      broken.push(text.slice(0, at) + other + text.slice(at + 1));
    }
    for (const content of broken) {
      await writeFile(file, content);
      expect(await outcome()).toEqual({
        reason: expect.stringMatching(/^(damaged|other-settings|wrong-key)$/),
        error: refused,
      });
    }
  });

  it('is refused if it belongs to other settings or another client secret', async () => {
    await writeCopy();
    for (const [options, reason] of [
      [{ environment: 'staging' }, 'other-settings'],
      [{ organizationId: 'org-2' }, 'other-settings'],
      [{ apiUrl: 'https://other.example.com' }, 'other-settings'],
      [{ clientSecret: 'another secret of a test' }, 'wrong-key'],
    ] as const) {
      expect(await outcome(options)).toEqual({ reason, error: refused });
    }
  });

  it('is replaced by the next values from the server', async () => {
    await writeCopy();
    await writeFile(file, 'not a copy at all');
    await writeCopy(ruleset({ revision: '2' }));
    const { client } = makeClient(refused);
    await client.ready();
    expect(client.health().revision).toBe('2');
    await client.close();
  });

  it('that cannot be written is reported, and nothing else fails', async () => {
    await writeFile(join(directory, 'plain'), '');
    const { client, events } = makeClient(ruleset(), { cache: { file: join(directory, 'plain', 'copy') } });
    await client.ready();
    await client.close();
    expect(events).toContainEqual(expect.objectContaining({ type: 'cache', status: 'write-failed' }));
    expect(client.flag('newCheckout')).toBe(true);
  });
});

describe('two clients with one disk copy', () => {
  it('remove a lock that a dead process left after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, events } = makeClient(ruleset());
    await mkdir(join(directory, 'deep'));
    await writeFile(`${file}.lock`, '');
    await keepYoung(`${file}.lock`);
    await client.ready();
    const statuses = () => events.flatMap((event) => (event.type === 'cache' ? [event.status] : []));
    await waitUntil(() => statuses().length > 0, 10);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${file}.lock`, longAgo, longAgo);
    await waitUntil(() => statuses().includes('written'), 10);
    expect([statuses().at(0), statuses().at(-1)]).toEqual(['write-failed', 'written']);
    await client.close();
  });

  it('remove the lock of a process that was killed at once, so that no write is lost', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    await writeCopy(ruleset({ revision: '7' }));
    await writeFile(`${file}.lock`, JSON.stringify([hostname(), pid]));
    await writeCopy(ruleset({ revision: '8' }));
    const { client } = makeClient(refused);
    await client.ready();
    expect(client.health().revision).toBe('8');
    await client.close();
  });

  it('respect the lock of a running process, or of another machine', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await writeCopy(ruleset({ revision: '7' }));
    for (const holder of [
      [hostname(), process.pid],
      ['another-machine', 1],
    ]) {
      await writeFile(`${file}.lock`, JSON.stringify(holder));
      await keepYoung(`${file}.lock`);
      const { client } = makeClient(ruleset({ revision: '8' }));
      await client.ready();
      let isClosed = false;
      const closing = client.close().finally(() => {
        isClosed = true;
      });
      await waitUntil(() => isClosed, 10);
      await closing;
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ revision: '7' });
      await rm(`${file}.lock`);
    }
  });

  it('leave the newest values in it, whichever client writes last', async () => {
    const first = makeClient(ruleset({ revision: '10', epoch: 'a' }));
    const second = makeClient(ruleset({ revision: '10', epoch: 'a' }));
    await Promise.all([first.client.ready(), second.client.ready()]);
    for (let revision = 11; revision <= 40; revision += 1) {
      const { sink } = revision % 2 === 0 ? first.source : second.source;
      sink?.replace(ruleset({ revision: String(revision), epoch: 'a' }));
    }
    await second.client.close();
    await first.client.close();
    const { client } = makeClient(refused);
    await client.ready();
    expect(client.health().revision).toBe('40');
    await client.close();
  });

  it('accept the values of another epoch, even if their revision is lower', async () => {
    await writeCopy(ruleset({ revision: '50', epoch: 'a' }));
    await writeCopy(ruleset({ revision: '3', epoch: 'b' }));
    await writeCopy(ruleset({ revision: '2', epoch: 'b' }));
    const { client } = makeClient(refused);
    await client.ready();
    expect(client.health().revision).toBe('3');
    await client.close();
  });
});

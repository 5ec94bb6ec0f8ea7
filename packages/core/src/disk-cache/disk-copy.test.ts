import { createHash } from 'node:crypto';
import fs, { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { CACHED_SETTINGS, makeCachedClient } from '../test-support/cached-client.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import { deriveCacheKey, openRuleset, sealRuleset } from './cache-envelope.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.string().optional() },
});
const databaseUrl = 'https://user:hunter2@db.example';
const ruleset = (revision = '7', title = 'Stored'): Ruleset =>
  rulesetOf({ revision, public: { title }, secret: { databaseUrl } });
const refused = new Error('connection refused');

let directory = '';
let file = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'copy-'));
  file = join(directory, 'config.json');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true });
});

type Options = Parameters<typeof makeCachedClient<typeof config>>[2];

async function write(values: Ruleset = ruleset(), options: Options = {}) {
  const { client, cacheEvents } = makeCachedClient(config, { file, first: values }, options);
  await client.ready();
  await client.close();
  return cacheEvents().map(({ status }) => status);
}

/** What a client without a server reads from the copy, or why it refuses the copy. */
async function readOffline(options: Options = {}) {
  const { client, cacheEvents } = makeCachedClient(config, { file, first: refused }, options);
  await client.ready().catch(() => undefined);
  const [event] = cacheEvents();
  const read = { title: client.public('title'), secret: client.secret('databaseUrl') };
  await client.close();
  if (event?.status !== 'refused') return { ...read, ...event };
  expect(event.message).toMatch(/^The disk copy .+ (cannot|is|belongs|was) /);
  return event.reason;
}

interface Envelope extends Record<string, unknown> {
  values: string;
}

/** Changes fields of the copy and makes its checksum right again, as someone who can write the file could. */
async function forge(change: (envelope: Envelope) => Partial<Envelope>): Promise<void> {
  const before = JSON.parse(await readFile(file, 'utf8')) as Envelope;
  const envelope = { ...before, ...change(before) };
  const { format, binding, revision, savedAt, values, secrets = null } = envelope;
  const parts = JSON.stringify([format, binding, revision, savedAt, values, secrets]);
  const checksum = createHash('sha256').update(parts).digest('base64');
  await writeFile(file, JSON.stringify({ ...envelope, checksum }));
}

describe('a disk copy with secrets', () => {
  it('is accepted as it was written, and the forger of these tests makes valid checksums', async () => {
    await write();
    await forge(() => ({}));
    expect(await readOffline()).toMatchObject({ title: 'Stored', secret: databaseUrl, revision: '7' });
  });

  it.each<[string, (envelope: Envelope) => Partial<Envelope>]>([
    ['values', ({ values }) => ({ values: values.replace('Stored', 'Forged') })],
    ['a value more', ({ values }) => ({ values: values.replace('"flags":{}', '"flags":{"x":true}') })],
    ['the revision', () => ({ revision: '999' })],
    ['the time', () => ({ savedAt: Date.now() + 1_000 })],
    ['no secrets', () => ({ secrets: undefined })],
    ['empty secrets', () => ({ secrets: '' })],
    ['other secrets', ({ secrets }) => ({ secrets: `${String(secrets).slice(0, -8)}AAAAAAA=` })],
  ])('is refused with %s changed, although its checksum is right', async (_, change) => {
    await write();
    await forge(change);
    expect(await readOffline()).toBe('wrong-key');
  });

  it('is refused with the secrets of another copy, of another client secret and of another environment', async () => {
    await write(ruleset('6', 'Older'));
    const { secrets } = JSON.parse(await readFile(file, 'utf8')) as Envelope;
    await write(ruleset('7'));
    await forge(() => ({ secrets }));
    expect(await readOffline()).toBe('wrong-key');
    expect(await readOffline({ clientSecret: 'another client secret' })).toBe('wrong-key');
    for (const binding of [{ apiUrl: 'https://x.example' }, { organizationId: 'o' }, { environment: 'e' }]) {
      expect(await readOffline(binding)).toBe('other-settings');
    }
  });

  it.each<[string, (envelope: Envelope) => object | string]>([
    [
      'a wrong checksum',
      (envelope) => ({ ...envelope, values: envelope.values.replace('Stored', 'Forged') }),
    ],
    ['another format', (envelope) => ({ ...envelope, format: 'smooai-config-cache-2' })],
    ['a revision that is not a number', (envelope) => ({ ...envelope, revision: 'x' })],
    ['half of its text', (envelope) => JSON.stringify(envelope).slice(0, -40)],
  ])('is damaged with %s', async (_, change) => {
    await write();
    const changed = change(JSON.parse(await readFile(file, 'utf8')) as Envelope);
    await writeFile(file, typeof changed === 'string' ? changed : JSON.stringify(changed));
    expect(await readOffline()).toBe('damaged');
  });

  it('is encrypted under a key of its own for each API URL, organization, environment and client secret', async () => {
    const { clientSecret, ...binding } = CACHED_SETTINGS;
    const seal = { binding, key: await deriveCacheKey(clientSecret, binding) };
    const text = await sealRuleset(ruleset(), seal, Date.now());
    expect(await openRuleset(text, seal)).toMatchObject({ hasSecrets: true });
    expect(seal.key.extractable).toBe(false);
    // Copies of earlier versions must stay readable.
    expect(JSON.parse(text)).toMatchObject({ format: 'smooai-config-cache-1' });
    for (const change of [
      { apiUrl: 'x' },
      { organizationId: 'x' },
      { environment: 'x' },
      { clientSecret: 'x' },
    ]) {
      const changed = { ...CACHED_SETTINGS, ...change };
      const key = await deriveCacheKey(changed.clientSecret, changed);
      expect(await openRuleset(text, { binding, key })).toBe('wrong-key');
    }
  });

  it('never contains a secret in clear, and the same values are encrypted anew each time', async () => {
    await write();
    const first = await readFile(file, 'utf8');
    expect(first).not.toMatch(/hunter2|databaseUrl|config\.example/);
    await rm(file);
    await write();
    const [one, other] = [first, await readFile(file, 'utf8')].map((text) => JSON.parse(text) as Envelope);
    // The nonce is the first 12 bytes. Used twice with one key, it would reveal what the two copies have in common.
    const nonceOf = (envelope?: Envelope): string => String(envelope?.secrets).slice(0, 16);
    expect(nonceOf(one)).not.toBe(nonceOf(other));
  });
});

describe("secrets: 'omit'", () => {
  const omit = (): Options => ({ cache: { file, secrets: 'omit', writeIntervalMs: 1 } });

  it('replaces a copy with secrets, although its values are the newest', async () => {
    await write();
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('secrets');
    expect(await write(ruleset(), omit())).toContain('written');
    expect(JSON.parse(await readFile(file, 'utf8'))).not.toHaveProperty('secrets');
    expect(await readdir(directory)).toEqual(['config.json']);
    expect(await readOffline(omit())).toMatchObject({ title: 'Stored', secret: undefined });
  });

  it('replaces one even of a newer revision, and is itself replaced by one with secrets', async () => {
    await write(ruleset('9'));
    await write(ruleset('7'), omit());
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ revision: '7' });
    await write(ruleset('7'));
    expect(await readOffline()).toMatchObject({ secret: databaseUrl });
  });

  it.each([
    '{}',
    '[]',
    '{"revision":"7"}',
    '{"revision":"7","environment":"e","public":[],"flags":{},"limits":{},"segments":{}}',
    '{"revision":"7","environment":"e","public":{},"flags":{},"limits":{}}',
  ])('refuses values that are not a ruleset: %s', async (values) => {
    await write(ruleset(), omit());
    await forge(() => ({ values }));
    expect(await readOffline(omit())).toBe('damaged');
  });

  it.each<Partial<Record<string, unknown>>>([
    { format: 'smooai-config-cache-2' },
    { binding: 7 },
    { revision: 7 },
    { revision: '7x' },
    { revision: 'x7' },
    { savedAt: '7' },
    { values: 7 },
    { secrets: 7 },
  ])('is damaged with %j, although its checksum is right', async (change) => {
    await write(ruleset(), omit());
    await forge(() => change);
    expect(await readOffline(omit())).toBe('damaged');
  });

  it('has the age of the last confirmation, and none if the clock was set back', async () => {
    await write(ruleset(), omit());
    const ageAt = async (savedAt: number): Promise<number> => {
      await forge(() => ({ savedAt }));
      const read = await readOffline(omit());
      return typeof read === 'object' && 'ageMs' in read ? Number(read.ageMs) : -1;
    };
    const now = Date.now();
    const age = await ageAt(now - 3_600_000);
    expect(age).toBeGreaterThanOrEqual(3_600_000);
    expect(age).toBeLessThanOrEqual(Date.now() - now + 3_600_000);
    expect(await ageAt(now + 3_600_000)).toBe(0);
  });

  it('does not write the same values again within a minute', async () => {
    await write(ruleset(), omit());
    expect(await write(ruleset(), omit())).toEqual(['loaded']);
  });
});

describe('a write', () => {
  /** Records the calls that make a file durable, in order. They still run. */
  function recordCalls(): string[] {
    const calls: string[] = [];
    const nameOf = (path: unknown): string => {
      const name = basename(String(path));
      if (String(path) === dirname(file)) return 'directory';
      return name.endsWith('.tmp') ? 'temporary' : name;
    };
    const { open, rename, unlink } = fs;
    vi.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      const name = nameOf(args[0]);
      for (const method of ['writeFile', 'sync', 'close'] as const) {
        const original = handle[method].bind(handle) as (...parameters: unknown[]) => Promise<void>;
        handle[method] = (async (...parameters: unknown[]) => {
          await original(...parameters);
          calls.push(`${method} ${name}`);
        }) as never;
      }
      return handle;
    });
    vi.spyOn(fs, 'rename').mockImplementation(async (from, to) => {
      calls.push(`rename ${nameOf(from)} to ${nameOf(to)}`);
      await rename(from, to);
    });
    vi.spyOn(fs, 'unlink').mockImplementation(async (path) => {
      calls.push(`unlink ${nameOf(path)}`);
      await unlink(path);
    });
    return calls;
  }

  it('syncs the file before its rename, and the directory after it', async () => {
    const calls = recordCalls();
    await write();
    expect(calls.filter((call) => !/^close config/.test(call))).toEqual([
      'writeFile temporary',
      'sync temporary',
      'close temporary',
      'rename temporary to config.json',
      ...(process.platform === 'win32' ? [] : ['sync directory', 'close directory']),
      'unlink config.json.lock',
    ]);
  });

  it('and a read close every file that they open', async () => {
    await write();
    const calls = recordCalls();
    expect(await readOffline()).toMatchObject({ title: 'Stored' });
    expect(calls).toEqual(['close config.json']);
  });

  it('may go back to an older state of the server only once, not over what another process wrote since', async () => {
    await write(ruleset('7'));
    const { client, source, cacheEvents } = makeCachedClient(config, {
      file,
      first: ruleset('5', 'Restored'),
    });
    await client.ready();
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('"revision":"5"'), {
      timeout: 30_000,
    });
    await write(ruleset('7', 'By another'));
    source.sink?.replace(ruleset('6', 'Lagging'));
    await client.close();
    expect(cacheEvents().map(({ status }) => status)).toEqual(['loaded', 'written']);
    expect(await readOffline()).toMatchObject({ revision: '7', title: 'By another' });
  });

  it('that has nothing to renew within a minute does not even open the file', async () => {
    const { client, source, cacheEvents } = makeCachedClient(config, { file, first: ruleset() });
    await client.ready();
    await expect.poll(() => cacheEvents().at(-1)?.status).toBe('written');
    const open = vi.spyOn(fs, 'open');
    for (let count = 0; count < 5; count++) source.sink?.confirm();
    await client.close();
    expect(open).not.toHaveBeenCalled();
  });

  it('removes temporary files that another process left long ago, and no others', async () => {
    const names = ['config.json.old.tmp', 'config.json.new.tmp', 'other.json.old.tmp', 'config.json.old.bak'];
    for (const name of names) await writeFile(join(directory, name), '');
    const longAgo = new Date(Date.now() - 60_000);
    for (const name of names.filter((text) => text.includes('old')))
      await utimes(join(directory, name), longAgo, longAgo);
    await write();
    expect((await readdir(directory)).sort()).toEqual(['config.json', ...names.slice(1)].sort());
  });

  it('respects the lock of another machine, whose processes it cannot see, and reports it', async () => {
    const lock = JSON.stringify(['another-machine', 2 ** 30]);
    await writeFile(`${file}.lock`, lock);
    expect(await write()).toEqual(['write-failed']);
    expect(await readdir(directory)).toEqual(['config.json.lock']);
    expect(await readFile(`${file}.lock`, 'utf8')).toBe(lock);
    await writeFile(`${file}.lock`, JSON.stringify([hostname(), 2 ** 30]));
    expect(await write()).toEqual(['written']);
  });

  it.runIf(process.platform !== 'win32')(
    'makes missing directories that only their owner can enter',
    async () => {
      const before = process.umask(0);
      const deep = join(directory, 'a', 'b');
      try {
        await write(ruleset(), { cache: { file: join(deep, 'config.json') } });
      } finally {
        process.umask(before);
      }
      for (const path of [deep, dirname(deep)]) expect((await stat(path)).mode & 0o777).toBe(0o700);
    },
  );

  it('that fails leaves the old copy, and no temporary file or lock', async () => {
    await write(ruleset('7'));
    vi.spyOn(fs, 'rename').mockRejectedValue(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    expect(await write(ruleset('8'))).toEqual(['loaded', 'write-failed']);
    vi.restoreAllMocks();
    expect(await readdir(directory)).toEqual(['config.json']);
    expect(await readOffline()).toMatchObject({ revision: '7' });
  });

  it('never replaces newer values by older ones, unless the server went back itself', async () => {
    await write(ruleset('8', 'Newer'));
    const { client, source } = makeCachedClient(config, { file, first: ruleset('7', 'Older') });
    await write(ruleset('9', 'Newest'));
    source.next = ruleset('7', 'Older');
    await client.ready();
    await client.close();
    // It started from revision 9, and the server has gone back to 7 since.
    expect(await readOffline()).toMatchObject({ revision: '7' });
    await write(ruleset('8', 'Newer'));
    const running = makeCachedClient(config, { file, first: ruleset('8', 'Newer') });
    await running.client.ready();
    await write(ruleset('10', 'Newest'));
    running.source.sink?.replace(ruleset('9', 'Lagging'));
    await running.client.close();
    expect(running.cacheEvents().map(({ status }) => status)).not.toContain('write-failed');
    expect(await readOffline()).toMatchObject({ revision: '10', title: 'Newest' });
  });
});

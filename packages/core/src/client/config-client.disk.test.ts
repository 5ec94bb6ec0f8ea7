import { execFile } from 'node:child_process';
import {
  chmod,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineConfig } from '../schema/define-config.ts';
import { makeCachedClient } from '../test-support/cached-client.ts';
import { rulesetOf } from '../test-support/ruleset.ts';
import type { Ruleset } from '../wire.ts';
import type { ConfigClientOptions } from './client-options.ts';

const config = defineConfig({
  public: { title: z.string().default('Shop') },
  secrets: { databaseUrl: z.url() },
});
const databaseUrl = 'https://user:hunter2@db.example';
const ruleset = (values: Partial<Ruleset> = {}): Ruleset =>
  rulesetOf({ revision: '7', secret: { databaseUrl }, ...values });
const refused = new Error('connection refused');

let directory = '';
let file = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'disk-'));
  file = join(directory, 'config.json');
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

type Options = Partial<ConfigClientOptions<typeof config>>;

const makeClient = (first: Ruleset | Error | 'nothing', options: Options = {}) =>
  makeCachedClient(config, { file, first }, options);

async function writeCopy(values: Ruleset = ruleset(), options: Options = {}) {
  const { client, cacheEvents } = makeClient(values, options);
  await client.ready();
  await client.close();
  return cacheEvents();
}

/** The outcome of a start without the server, and what happened to the copy. */
async function outcomeOffline(options: Options = {}): Promise<unknown[]> {
  const { client, cacheEvents } = makeClient(refused, options);
  const outcome = await client.ready({ timeoutMs: 60_000 }).then(
    () => 'started',
    (error: Error) => error.message,
  );
  await client.close();
  return [
    outcome,
    ...cacheEvents().map((event) => (event.status === 'refused' ? event.reason : event.status)),
  ];
}

const makeFifo = (path: string) => promisify(execFile)('mkfifo', [path]);
const isPosix = process.platform !== 'win32';

describe('in place of the disk copy', () => {
  it.runIf(isPosix)('a pipe without a writer does not block the start', async () => {
    await makeFifo(file);
    expect(await outcomeOffline()).toEqual([refused.message, 'unreadable']);
    // A client that reaches its server replaces the pipe by a copy.
    expect((await writeCopy()).map(({ status }) => status)).toEqual(['refused', 'written']);
    expect(await outcomeOffline()).toEqual(['started', 'loaded']);
  });

  it('a directory is reported, for reading and for writing', async () => {
    await mkdir(file);
    expect(await outcomeOffline()).toEqual([refused.message, 'unreadable']);
    expect((await writeCopy()).map(({ status }) => status)).toEqual(['refused', 'write-failed']);
    expect(await readdir(directory)).toEqual(['config.json']);
  });

  it('a file of more than 64 MiB is not read', async () => {
    await writeFile(file, '');
    await truncate(file, 100 * 1024 ** 2);
    expect(await outcomeOffline()).toEqual([refused.message, 'unreadable']);
    await writeCopy();
    expect((await stat(file)).size).toBeLessThan(10_000);
  });

  it.runIf(isPosix)('a symbolic link is followed for reading, and replaced by the copy', async () => {
    const target = join(directory, 'target.json');
    await writeCopy(ruleset(), { cache: { file: target } });
    await symlink(target, file);
    expect(await outcomeOffline()).toEqual(['started', 'loaded']);
    await writeCopy(ruleset({ revision: '8' }));
    expect(await readFile(target, 'utf8')).toContain('"revision":"7"');
    expect(await readFile(file, 'utf8')).toContain('"revision":"8"');
  });

  it('a copy without secrets is not accepted as an encrypted one', async () => {
    await writeCopy(ruleset({ public: { title: 'Forged' } }), { cache: { file, secrets: 'omit' } });
    expect(await outcomeOffline()).toEqual([refused.message, 'wrong-key']);
  });
});

describe('the disk copy', () => {
  it('stays in place when the program changes its working directory', async () => {
    const spy = vi.spyOn(process, 'cwd');
    spy.mockReturnValue(directory);
    const { client, source } = makeClient(ruleset(), { cache: { file: 'copy.json', writeIntervalMs: 1 } });
    await client.ready();
    spy.mockReturnValue(join(directory, 'elsewhere'));
    source.sink?.replace(ruleset({ revision: '8' }));
    await client.close();
    spy.mockRestore();
    expect(await readFile(join(directory, 'copy.json'), 'utf8')).toContain('"revision":"8"');
    expect(await readdir(directory)).toEqual(['copy.json']);
  });

  it('is written again if the clock was set back, with the right time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const now = Date.now();
    vi.setSystemTime(now + 86_400_000);
    await writeCopy();
    vi.setSystemTime(now);
    expect((await writeCopy()).map(({ status }) => status)).toEqual(['loaded', 'written']);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ savedAt: now });
  });

  it('can only be read by its owner, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      file = join(directory, 'deep', 'config.json');
      await writeCopy();
    } finally {
      process.umask(before);
    }
    expect((await stat(file)).mode & 0o777).toBe(isPosix ? 0o600 : 0o666);
  });

  it.runIf(isPosix && process.getuid?.() !== 0)('in a read-only directory is reported', async () => {
    await writeCopy();
    await chmod(directory, 0o500);
    const statuses = (await writeCopy(ruleset({ revision: '8' }))).map(({ status }) => status);
    await chmod(directory, 0o700);
    expect(statuses).toEqual(['loaded', 'write-failed']);
    expect(await outcomeOffline()).toEqual(['started', 'loaded']);
  });

  it.runIf(isPosix)('is written after an old lock that is a broken symbolic link', async () => {
    await symlink(join(directory, 'nothing'), `${file}.lock`);
    const { client, cacheEvents } = makeClient(ruleset());
    await client.ready();
    const longAgo = new Date(Date.now() - 60_000);
    await lutimes(`${file}.lock`, longAgo, longAgo);
    await vi.waitFor(() => expect(cacheEvents().map(({ status }) => status)).toContain('written'), {
      timeout: 30_000,
      interval: 5,
    });
    await client.close();
  });

  it('is not touched by a client that is closed during its start', async () => {
    await writeCopy();
    const { client, source } = makeClient(ruleset({ revision: '8' }));
    const waiting = client.ready().catch((error: { code: string }) => error.code);
    await client.close();
    expect(await waiting).toBe('ERR_CLIENT_CLOSED');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(source.starts).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('"revision":"7"');
  });
});

describe('bundled files', () => {
  const outcome = async (bundledFile: string): Promise<unknown> =>
    makeClient(refused, { bundled: { file: bundledFile } })
      .client.ready({ timeoutMs: 60_000 })
      .catch(({ code, message }: { code: string; message: string }) => [code, message]);

  it.runIf(isPosix)('that are not regular files are rejected without blocking', async () => {
    const fifo = join(directory, 'fifo');
    await makeFifo(fifo);
    for (const path of [fifo, directory]) {
      expect(await outcome(path)).toEqual(['ERR_OPTIONS_INVALID', expect.stringContaining(path)]);
    }
  });

  it('may start with a byte order mark, and are rejected if they are nested too deeply', async () => {
    const path = join(directory, 'bundled.json');
    await writeFile(path, `\uFEFF${JSON.stringify({ secrets: { databaseUrl } })}`);
    const { client } = makeClient(refused, { bundled: { file: path } });
    await client.ready();
    expect(client.secret('databaseUrl')).toBe(databaseUrl);
    await client.close();
    const deep = 200_000;
    await writeFile(path, `{"public":{"title":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}}`);
    expect(await outcome(path)).toEqual(['ERR_OPTIONS_INVALID', expect.stringContaining('bundled')]);
  });

  it('do not start the source if the start was cancelled while they were read', async () => {
    const path = join(directory, 'bundled.json');
    await writeFile(path, JSON.stringify({ secrets: { databaseUrl } }));
    const { client, source } = makeClient('nothing', {
      bundled: { file: path },
      fallback: undefined,
      cache: undefined,
    });
    const waiting = client.ready({ timeoutMs: 0.001 }).catch((error: { code: string }) => error.code);
    // Blocks the event loop, so that the timeout passes before the file is read.
    const end = performance.now() + 20;
    while (performance.now() < end);
    expect(await waiting).toBe('ERR_READY_TIMEOUT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(source.starts).toBe(0);
    await client.close();
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteStorage } from './sqlite-storage.ts';

const packageDirectory = fileURLToPath(new URL('../../..', import.meta.url));
const ROUNDS = 6;
let directory = '';
const children = new Set<ChildProcess>();

beforeAll(async () => {
  // Inside the package, so that the built script finds the package's dependencies.
  await mkdir(join(packageDirectory, 'test-results'), { recursive: true });
  directory = await mkdtemp(join(packageDirectory, 'test-results', 'durability-'));
  await build({
    config: false,
    cwd: packageDirectory,
    entry: ['src/test-support/storage-writer.ts'],
    outDir: directory,
    fixedExtension: true,
    format: ['esm'],
    platform: 'node',
    dts: false,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function startWriter(file: string, key: Buffer): ChildProcess {
  const arguments_ = [join(directory, 'storage-writer.mjs'), file, key.toString('base64')];
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

interface Written {
  environmentId: string;
  acknowledged: number[];
}

/** Kills the writer `plusMs` milliseconds after it has acknowledged `after` writes. */
async function writeUntilKilled(
  child: ChildProcess,
  kill: { after: number; plusMs: number },
): Promise<Written> {
  const written: Written = { environmentId: '', acknowledged: [] };
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  if (!child.stdout) throw new Error('The writer has no output.');
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, rest = ''] = line.split(' ');
    if (word === 'environment') written.environmentId = rest;
    if (word === 'done') written.acknowledged.push(Number(rest));
    if (word === 'done' && written.acknowledged.length === kill.after) {
      setTimeout(() => child.kill('SIGKILL'), kill.plusMs);
    }
  }
  expect(errors).toBe('');
  expect(await exited).toEqual([null, 'SIGKILL']);
  return written;
}

// Concurrent, because most of the time goes by waiting for locks.
describe.concurrent('a process that writes', () => {
  it('loses no acknowledged write and keeps no half transaction when it is killed', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const file = join(directory, `round-${round}.db`);
      const key = randomBytes(32);
      // From the first writes to well past the first checkpoint of the log (1000 pages).
      const kill = { after: 1 + Math.floor(Math.random() * 150 * round), plusMs: Math.random() * 5 };
      const { environmentId, acknowledged } = await writeUntilKilled(startWriter(file, key), kill);

      const storage = await openSqliteStorage({ file, encryptionKey: key });
      const stored = new Map((await storage.listValues(environmentId)).map(({ key, value }) => [key, value]));
      await storage.close();
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const number of acknowledged) expect(stored.get(`k${number}`), `k${number}`).toBe(number);
      const firsts = [...stored.keys()].filter(
        (name) => name.startsWith('k') && Number(name.slice(1)) % 3 === 0,
      );
      const twins = [...stored.keys()].filter((name) => name.startsWith('twin'));
      expect(twins.map((name) => name.replace('twin', 'k')).sort()).toEqual(firsts.sort());
    }
  });

  it.each(['new', 'left by a killed process'])(
    'is the only one of three to open a file that is %s',
    async (state) => {
      const file = join(directory, `contended ${state}.db`);
      const key = randomBytes(32);
      if (state !== 'new') await writeUntilKilled(startWriter(file, key), { after: 3, plusMs: 0 });
      const writers = Array.from({ length: 3 }, () => startWriter(file, key));
      const outcomes = await Promise.all(writers.map(firstWords));
      for (const child of writers) child.kill('SIGKILL');
      const opened = outcomes.filter((words) => words.startsWith('environment'));
      const refused = outcomes.filter((words) => words.includes('in use by another process'));
      expect([opened.length, refused.length], outcomes.join('\n')).toEqual([1, 2]);
    },
  );

  it('cannot open the file of another process, even after that one tried to open it twice', async () => {
    const file = join(directory, 'twice.db');
    const key = randomBytes(32);
    const storage = await openSqliteStorage({ file, encryptionKey: key });
    await expect(openSqliteStorage({ file, encryptionKey: key })).rejects.toThrow(
      'already open in this process',
    );
    expect(await firstWords(startWriter(file, key))).toContain('in use by another process');
    await storage.close();
    const child = startWriter(file, key);
    expect(await firstWords(child)).toMatch(/^environment/);
    child.kill('SIGKILL');
  });
});

/** The first output of a writer: its environment, or the error that ends it. */
async function firstWords(child: ChildProcess): Promise<string> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  const ended = once(child, 'close').then(() => words);
  if (!child.stdout) return ended;
  const wrote = once(child.stdout, 'data').then(([chunk]: unknown[]) => String(chunk));
  return Promise.race([wrote, ended]);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, toJsonSchema } from '@smooai/config';
import { ConfigApi, TokenProvider } from '@smooai/config/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = fileURLToPath(
  new URL('../../../../packages/server/bin/smooai-config-server.js', import.meta.url),
);
const rounds = 5;

describe('a server that is killed while it writes', () => {
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smooai-config-kill-'));
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('has every acknowledged write after a restart', async () => {
    const acknowledged = new Map<string, number>();
    let next = 0;
    for (let round = 0; round < rounds; round += 1) {
      const server = await start(folder);
      child = server.child;
      const { api, write } = await open(server.credentialsFile);
      const stored = await api.listValues('development');
      for (const [key, value] of acknowledged) expect(Number(stored[key])).toBeGreaterThanOrEqual(value);

      const killAfter = 20 + Math.floor(Math.random() * 60);
      let done = 0;
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (;;) {
          next += 1;
          const value = next;
          const key = `counter${writer}`;
          try {
            await write(key, value);
          } catch {
            return;
          }
          acknowledged.set(key, value);
          done += 1;
          if (done === killAfter) server.child.kill('SIGKILL');
        }
      });
      await Promise.all(writers);
      await exited(server.child);
      expect(done).toBeGreaterThanOrEqual(killAfter);
    }
    const server = await start(folder);
    child = server.child;
    const stored = await (await open(server.credentialsFile)).api.listValues('development');
    expect(acknowledged.size).toBe(4);
    for (const [key, value] of acknowledged) expect(Number(stored[key])).toBeGreaterThanOrEqual(value);
  });
});

/** A hand-written Standard Schema for any number. */
const anyNumber = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'expected a number' }] },
    jsonSchema: { input: () => ({ type: 'number' }), output: () => ({ type: 'number' }) },
  },
};

const config = defineConfig({
  public: { counter0: anyNumber, counter1: anyNumber, counter2: anyNumber, counter3: anyNumber },
});

async function open(credentialsFile: string) {
  const { apiUrl, authUrl, organizationId, clientId, clientSecret } = JSON.parse(
    await readFile(credentialsFile, 'utf8'),
  );
  const tokenProvider = new TokenProvider({ authUrl, clientId, clientSecret });
  const api = new ConfigApi({ apiUrl, organizationId, tokenProvider });
  const schema =
    (await api.listSchemas())[0] ??
    (await api.createSchema({ name: 'counters', jsonSchema: toJsonSchema(config) }));
  const environment = (await api.listEnvironments()).find(({ name }) => name === 'development');
  const write = (key: string, value: number) =>
    api.setValue({ schemaId: schema.id, environmentId: environment?.id ?? '', key, value, tier: 'public' });
  return { api, write };
}

async function start(folder: string): Promise<{ child: ChildProcess; credentialsFile: string }> {
  const child = spawn(process.execPath, [bin, '--port', '0', '--db', join(folder, 'config.db'), '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  if (!text.includes('\n')) throw new Error(`The server did not start: ${errors}`);
  return { child, credentialsFile: JSON.parse(text).credentialsFile };
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, toJsonSchema } from '@smooai/config';
import type { ConfigServer } from '@smooai/config-server';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { startSchemaServer } from './schema-server.ts';
import { settingsVariables } from './settings-variables.ts';

const config = defineConfig({
  secrets: { paymentKey: z.string().min(1) },
  flags: { counter: z.number().default(0) },
});
const paymentKey = 'the-payment-key-of-this-test';
const program = fileURLToPath(new URL('disk-copy-process.mjs', import.meta.url));
const soon = { timeout: 60_000, interval: 20 };

interface Line {
  type: 'cache' | 'fallback' | 'counter' | 'ready';
  status?: string;
  reason?: string;
  counter?: number;
  keyLength?: number;
}

/** A client that runs in a process of its own. */
class ClientProcess {
  readonly lines: Line[] = [];
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(file: string, env: NodeJS.ProcessEnv, readyTimeoutMs: number) {
    this.#child = spawn(process.execPath, [program, file, String(readyTimeoutMs)], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    let rest = '';
    this.#child.stderr?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.#child.stdout?.on('data', (chunk) => {
      this.output += chunk;
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts.map((part) => JSON.parse(part) as Line));
    });
  }

  find(type: Line['type']): Line | undefined {
    return this.lines.findLast((line) => line.type === type);
  }

  kill(): Promise<unknown> {
    this.#child.kill('SIGKILL');
    return this.#ended;
  }

  end(): Promise<unknown> {
    this.#child.stdin?.end();
    return this.#ended;
  }
}

let server: ConfigServer;
let directory: string;
let file: string;
let env: NodeJS.ProcessEnv;
let set: (counter: number) => Promise<unknown>;
const processes: ClientProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'disk-copy-'));
  file = join(directory, 'copy.json');
  const schemaServer = await startSchemaServer(toJsonSchema(config));
  server = schemaServer.server;
  set = (counter) => schemaServer.set('feature_flag', 'counter', counter);
  await schemaServer.set('secret', 'paymentKey', paymentKey);
  env = { PATH: process.env.PATH, ...settingsVariables(schemaServer.credentials) };
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  await server.close();
  await rm(directory, { recursive: true });
});

function start(readyTimeoutMs = 20_000): ClientProcess {
  const child = new ClientProcess(file, env, readyTimeoutMs);
  processes.push(child);
  return child;
}

it('two processes share one disk copy, which stays complete and newest even if one is killed while writing', async () => {
  const steady = start();
  await vi.waitFor(() => expect(steady.find('ready')).toBeDefined(), soon);
  let counter = 0;
  for (let round = 0; round < 4; round += 1) {
    const victim = start();
    await vi.waitFor(() => expect(victim.find('ready')).toBeDefined(), soon);
    for (let change = 0; change < 25; change += 1) {
      counter += 1;
      await set(counter);
    }
    // Right after a change, when it is likely to be writing.
    await victim.kill();
  }
  await vi.waitFor(() => expect(steady.find('counter')?.counter).toBe(counter), soon);
  await steady.end();
  await server.close();

  // Long enough to read the copy on a busy machine.
  const offline = start(5_000);
  await vi.waitFor(() => expect(offline.find('ready')).toBeDefined(), soon);
  expect(offline.find('ready')).toEqual({ type: 'ready', counter, keyLength: paymentKey.length });
  expect(offline.find('fallback')).toMatchObject({ from: 'cache' });
  expect(processes.flatMap(({ lines }) => lines).filter(({ status }) => status === 'refused')).toEqual([]);
  await offline.end();

  const shown = (await readFile(file, 'utf8')) + processes.map(({ output }) => output).join('');
  expect(shown).not.toContain(paymentKey);
  expect((await readdir(directory)).filter((name) => name.endsWith('.lock'))).toEqual([]);
});

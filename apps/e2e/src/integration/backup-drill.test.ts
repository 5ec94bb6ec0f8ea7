import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@smooai/config';
import type { ServerCredentials } from '@smooai/config-server';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FaultProxy } from './fault-proxy.ts';
import { config, makeApi, makeClient, openEnvironment, type ShopEnvironment, secretOf } from './live-shop.ts';

const bin = fileURLToPath(
  new URL('../../../../packages/server/bin/smooai-config-server.js', import.meta.url),
);
/** Nothing waits for it to pass. */
const patient = { timeout: 600_000, interval: 20 };

describe('the backup drill of docs/production.md', { timeout: 1_200_000 }, () => {
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smooai-config-drill-'));
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('restores every write that was acknowledged before the backup, and clients follow', async () => {
    const proxy = new FaultProxy('');
    const url = await proxy.listen();
    onTestFinished(() => proxy.close());
    const first = await startServer(folder);
    child = first.child;
    proxy.target = first.url;
    const { credentials } = first;
    const api = makeApi(credentials, url);
    const schema = await api.createSchema({ name: 'shop', jsonSchema: toJsonSchema(config) });
    const environment = await openEnvironment({ api, schemaId: schema.id }, 'development');
    const client = makeClient(credentials, { url, environment: 'development' });
    onTestFinished(() => client.close());
    await environment.write(1);
    await client.ready({ timeoutMs: patient.timeout });
    const { epoch } = await environment.ruleset();

    const writer = startWriter(environment);
    // Past the first checkpoint of the write-ahead log, which has 1,000 pages.
    await vi.waitFor(() => expect(writer.acknowledged).toBeGreaterThan(150), patient);
    const before = writer.acknowledged;
    const backup = await run(folder, ['backup', 'backup.db', '--db', 'config.db']);
    expect([backup.code, backup.stdout], backup.stderr).toEqual([
      0,
      expect.stringMatching(/checked.*SHA-256/),
    ]);
    expect((await stat(join(folder, 'backup.db'))).mode & 0o777).toBe(0o600);
    const after = writer.acknowledged;
    await vi.waitFor(() => expect(writer.acknowledged).toBeGreaterThan(after + 20), patient);

    const tooEarly = await run(folder, ['restore', 'backup.db', '--db', 'config.db']);
    expect([tooEarly.code, tooEarly.stderr]).toEqual([
      1,
      expect.stringContaining('A server uses the database'),
    ]);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await writer.stop();

    const restored = await run(folder, ['restore', 'backup.db', '--db', 'config.db']);
    expect([restored.code, restored.stdout], restored.stderr).toEqual([
      0,
      expect.stringContaining('The old file is'),
    ]);
    const second = await startServer(folder);
    child = second.child;
    proxy.target = second.url;
    expect(second.credentials.clientId).toBe(credentials.clientId);

    const ruleset = await vi.waitFor(() => environment.ruleset(), patient);
    const version = Number(ruleset.flags.left);
    expect(version).toBeGreaterThanOrEqual(before);
    expect(version).toBeLessThan(writer.acknowledged);
    // No half of a write is in the backup.
    expect(ruleset).toMatchObject({
      flags: { left: version, right: version },
      limits: { cartItems: version },
      secret: { paymentKey: secretOf(version) },
    });
    expect(ruleset.epoch).not.toBe(epoch);
    await vi.waitFor(() => expect(client.flag('left')).toBe(version), patient);
    await environment.write(1_000_000);
    await vi.waitFor(() => expect(client.flag('left')).toBe(1_000_000), patient);
    expect(client.secret('paymentKey')).toBe(secretOf(1_000_000));

    // What was written after the backup is not lost: it is in the file that was kept.
    const kept = (await readdir(folder)).find((name) => name.endsWith('.old')) ?? '';
    const rescued = await run(folder, ['backup', 'rescued.db', '--db', kept]);
    expect(rescued.code, rescued.stderr).toBe(0);
  });
});

interface Writer {
  /** The newest version whose write the server has acknowledged. */
  acknowledged: number;
  stop: () => Promise<void>;
}

/** Writes one version after another. A write that fails, such as by a time-out of a busy machine, is not acknowledged. */
function startWriter(environment: ShopEnvironment): Writer {
  let isStopping = false;
  const writer: Writer = { acknowledged: 1, stop: async () => undefined };
  const write = async (version: number): Promise<void> => {
    try {
      await environment.write(version);
      writer.acknowledged = version;
    } catch {
      await pause(50);
    }
  };
  const stopped = (async () => {
    for (let version = 2; !isStopping; version += 1) await write(version);
  })();
  writer.stop = () => {
    isStopping = true;
    return stopped;
  };
  return writer;
}

interface Started {
  child: ChildProcess;
  url: string;
  credentials: ServerCredentials;
}

async function startServer(folder: string): Promise<Started> {
  const args = [bin, '--port', '0', '--db', 'config.db', '--json', '--log-level', 'silent'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  if (!text.includes('\n')) throw new Error('The server did not start.');
  const { url, credentialsFile } = JSON.parse(text);
  return { child, url, credentials: JSON.parse(await readFile(credentialsFile, 'utf8')) };
}

function run(
  folder: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const process_ = execFile(process.execPath, [bin, ...args], { cwd: folder }, (_, stdout, stderr) =>
      resolve({ code: process_.exitCode, stdout, stderr }),
    );
  });
}

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'tsdown';
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { freePort } from '../../../scripts/free-port.mjs';
import { grant, jsonOf, postForm, temporaryDirectory } from './test-support/running-server.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
// One level below the package, like dist, but separate, so that it does not disturb other builds.
const OUTPUT = join(PACKAGE, 'test-results');
const PROGRAM = join(OUTPUT, 'main.js');

beforeAll(async () => {
  await build({
    cwd: PACKAGE,
    config: false,
    entry: ['src/main.ts'],
    outDir: OUTPUT,
    clean: false,
    dts: false,
    format: 'esm',
    platform: 'node',
    fixedExtension: false,
    logLevel: 'silent',
    deps: { alwaysBundle: [/^@smooai\/config/] },
    inputOptions: { resolve: { conditionNames: ['@smooai/source', 'node', 'import', 'default'] } },
  });
});

const DISK_BYTES = 3 * 1024 * 1024;

/** A directory on a disk of its own. Skips the test if the user may not mount one. */
async function smallDisk(context: TestContext): Promise<string> {
  const directory = await temporaryDirectory();
  const arguments_ = ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', directory];
  const mounted = await promisify(execFile)('mount', arguments_).catch(() => undefined);
  if (mounted === undefined) context.skip('The user may not mount a file system.');
  onTestFinished(async () => void (await promisify(execFile)('umount', ['--lazy', directory])));
  return directory;
}

interface Running {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  exit: Promise<number | null>;
}

function run(args: string[], cwd: string, nodeOptions: string[] = []): Running {
  return runCommand([process.execPath, ...nodeOptions, PROGRAM, ...args], cwd);
}

function runCommand([command = '', ...args]: string[], cwd: string): Running {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = once(child, 'close').then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, stdout: () => stdout, stderr: () => stderr, exit };
}

async function firstLine({ stdout, stderr, exit }: Running): Promise<Record<string, unknown>> {
  const ended = exit.then(() => {
    throw new Error(`The server ended: ${stderr()}`);
  });
  const line = expect.poll(() => stdout().includes('\n'), { timeout: 60_000 }).toBe(true);
  await Promise.race([line, ended]);
  ended.catch(() => undefined);
  return JSON.parse(stdout()) as Record<string, unknown>;
}

/** Calls a running server as the admin client. */
async function clientOf(server: Running, directory: string) {
  const started = await firstLine(server);
  const [url, organization] = [String(started.url), String(started.organizationId)];
  const credentials = JSON.parse(
    await readFile(join(directory, 'smooai-config.db.credentials.json'), 'utf8'),
  );
  const token = await jsonOf(await postForm(`${url}/token`, grant(credentials)));
  const schemas = `${url}/organizations/${organization}/config/schemas`;
  const authorization = `Bearer ${String(token.access_token)}`;
  return {
    url,
    create: (name: string) =>
      fetch(schemas, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ name, description: 'x'.repeat(2_000) }),
      }),
    list: async (): Promise<unknown> => (await fetch(schemas, { headers: { authorization } })).json(),
  };
}

describe('smooai-config-server', { timeout: 180_000 }, () => {
  it('ends with 0 on a full disk', async (context) => {
    const directory = await smallDisk(context);
    const server = run(['--json'], directory);
    const { url, create } = await clientOf(server, directory);
    const fill = () => writeFile(join(directory, 'fill'), Buffer.alloc(DISK_BYTES));
    expect((await create('stored')).status).toBe(201);
    await expect(fill()).rejects.toThrow('ENOSPC');
    expect((await create('lost')).status).toBe(507);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await rm(join(directory, 'fill'));
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await expect(fill()).rejects.toThrow('ENOSPC');
    server.child.kill('SIGTERM');
    expect(await server.exit, server.stderr()).toBe(0);
  });

  it('refuses writes with words when the disk fails, and ends with 0', async () => {
    const directory = await temporaryDirectory();
    // The system refuses to let a file grow beyond 512 KiB.
    const command = ['sh', '-c', 'ulimit -f 1024; exec "$@"', 'sh', process.execPath, PROGRAM, '--json'];
    const server = runCommand(command, directory);
    const { url, create } = await clientOf(server, directory);
    let created = 0;
    let response = await create('first');
    while (response.status === 201 && created < 100) {
      created += 1;
      response = await create(`schema ${created}`);
    }
    const message = 'The database cannot be read or written (SQLITE_IOERR_WRITE). Check its disk.';
    expect([response.status, await jsonOf(response)]).toEqual([503, { message }]);
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await jsonOf(ready)]).toEqual([503, { status: 'unavailable', message }]);
    server.child.kill('SIGTERM');
    expect(await server.exit, server.stderr()).toBe(0);
    const next = run(['--json'], directory);
    const { list } = await clientOf(next, directory);
    expect(await list()).toHaveLength(created);
  });

  it('prints one line of JSON once it listens, and ends on SIGTERM', async () => {
    const directory = await temporaryDirectory();
    const server = run(['--json'], directory);
    const started = await firstLine(server);
    expect(started).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      organizationId: expect.any(String),
      environments: expect.arrayContaining(['development', 'staging', 'production']),
      credentialsFile: expect.stringMatching(/^([A-Z]:)?[/\\].*smooai-config\.db\.credentials\.json$/),
    });
    const file = join(directory, 'smooai-config.db.credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const credentials = JSON.parse(await readFile(file, 'utf8'));
    const response = await postForm(`${credentials.authUrl}/token`, grant(credentials));
    expect(response.status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.stdout().trim().split('\n')).toHaveLength(1);
    expect(server.stderr()).not.toContain(credentials.clientSecret);
    for (const line of server.stderr().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('serves on after SIGTERM while it drains, but is not ready; a second SIGTERM ends it', async () => {
    const directory = await temporaryDirectory();
    const server = run(['--json', '--drain', '3600', '--metrics-port', '0'], directory);
    const started = await firstLine(server);
    const [url, metricsUrl] = [String(started.url), String(started.metricsUrl)];
    expect((await fetch(metricsUrl)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    server.child.kill('SIGTERM');
    const ready = () => fetch(`${url}/readyz`).then(({ status }) => status);
    await expect.poll(ready, { timeout: 60_000 }).toBe(503);
    expect(await jsonOf(await fetch(`${url}/readyz`))).toEqual({
      status: 'unavailable',
      message: 'The server will close soon.',
    });
    expect((await fetch(`${url}/jwks`)).status).toBe(200);
    // An alert on errors stays silent while a server is replaced.
    const metrics = async () => (await fetch(metricsUrl)).text();
    await expect.poll(metrics, { timeout: 60_000 }).toContain('route="/jwks",status="200"');
    expect(await metrics()).not.toMatch(/readyz|status="5/);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(1);
  }, 120_000);

  it('survives SIGKILL, keeps the secret and follows its URL', async () => {
    const directory = await temporaryDirectory();
    const first = run(['--json', '--log-level', 'silent'], directory);
    const { url, organizationId } = await firstLine(first);
    first.child.kill('SIGKILL');
    await first.exit;
    const second = run(['--json', '--log-level', 'silent'], directory);
    const again = await firstLine(second);
    expect(again.organizationId).toBe(organizationId);
    const credentials = JSON.parse(
      await readFile(join(directory, 'smooai-config.db.credentials.json'), 'utf8'),
    );
    expect(credentials.apiUrl).toBe(again.url);
    expect((await postForm(`${String(again.url)}/token`, grant(credentials))).status).toBe(200);
    second.child.kill('SIGINT');
    expect(await second.exit).toBe(0);
    expect(url).toMatch(/^http/);
    expect(second.stderr()).toBe('');
  });

  it('starts again after it was killed at any moment of its first start', async () => {
    const directory = await temporaryDirectory();
    for (let round = 0; round < 10; round += 1) {
      const args = ['--json', '--log-level', 'silent', '--db', `${round}.db`];
      const killed = run(args, directory);
      // The start takes some 400 ms, more on a busy machine: the round after the first that got through is the last.
      await delay(150 + round * 40);
      killed.child.kill('SIGKILL');
      await killed.exit;
      const again = run(args, directory);
      const { credentialsFile } = await firstLine(again);
      const credentials = JSON.parse(await readFile(String(credentialsFile), 'utf8'));
      expect((await postForm(`${credentials.authUrl}/token`, grant(credentials))).status).toBe(200);
      again.child.kill('SIGKILL');
      await again.exit;
      if (killed.stdout() !== '') break;
    }
  });

  it('refuses to replace a lost database, and begins anew on request', async () => {
    const directory = await temporaryDirectory();
    const first = run(['--json', '--log-level', 'silent'], directory);
    await firstLine(first);
    first.child.kill('SIGTERM');
    await first.exit;
    await Promise.all(['', '.key'].map((end) => rm(join(directory, `smooai-config.db${end}`))));
    const refused = run(['--json'], directory);
    expect(await refused.exit).toBe(1);
    expect(refused.stderr()).toMatch(/^smooai-config-server: Missing: .* --begin-anew /);
    const anew = run(['--json', '--begin-anew'], directory);
    await firstLine(anew);
    expect(anew.stderr()).toContain('.old"');
    const help = run(['--help'], directory);
    await help.exit;
    expect(help.stdout()).toContain('--begin-anew');
  });

  it('prints a banner with URL and files, and without a secret', async () => {
    const directory = await temporaryDirectory();
    const server = run(['--db', 'shop.db', '--log-level', 'silent'], directory);
    await expect.poll(() => server.stdout(), { timeout: 60_000 }).toContain('Ctrl+C');
    expect(server.stdout()).toMatch(/listens on http:\/\/127\.0\.0\.1:\d+/);
    expect(server.stdout()).toContain('shop.db.credentials.json (created now');
    expect(server.stdout()).not.toContain('sk_');
  });

  it.each([
    ['an unknown option', ['--prot', '1'], '--prot'],
    ['a port that is not a number', ['--port', 'http'], '--port'],
    ['a port out of range', ['--port', '70000'], '65535'],
    ['a token life of zero', ['--token-ttl', '0'], '--token-ttl'],
    ['an argument', ['start'], 'argument'],
    ['a database in memory without a credentials file', ['--db', ':memory:'], '--credentials'],
    ['a webhook without a secret', ['--webhook', 'https://shop.example'], '--webhook-secret-file'],
    ['a public URL that is not a URL', ['--public-url', 'shop'], 'publicUrl'],
  ])('refuses %s with exit code 2', async (_name, args, message) => {
    const server = run(args, await temporaryDirectory());
    expect(await server.exit).toBe(2);
    expect(server.stderr()).toContain(message);
    expect(server.stderr()).not.toMatch(/\n\s+at /);
    expect(server.stdout()).toBe('');
  });

  it('refuses metrics on the port of the API with exit code 2, and creates no file', async () => {
    const directory = await temporaryDirectory();
    const port = String(await freePort(0));
    const server = run(['--json', '--port', port, '--metrics-port', port], directory);
    expect(await server.exit).toBe(2);
    expect(server.stderr()).toContain(`(--port, --metrics-port) are both ${port}`);
    expect(await readdir(directory)).toEqual([]);
  });

  it('ends with exit code 1 when the port is taken or the file is not a database', async () => {
    const directory = await temporaryDirectory();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => {
      taken.close();
    });
    const address = taken.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const busy = run(['--json', '--port', port], directory);
    expect(await busy.exit).toBe(1);
    expect(busy.stderr()).toContain(`Port ${port} on 127.0.0.1 is taken`);
    expect(await readdir(directory)).toEqual([]);
    const elsewhere = run(['--json', '--host', '192.0.2.1'], directory);
    expect(await elsewhere.exit).toBe(1);
    expect(elsewhere.stderr()).toMatch(/192\.0\.2\.1 is not an address of this machine.*Use 127\.0\.0\.1/);
    expect(await readdir(directory)).toEqual([]);
    const folder = run(['--json', '--db', '.'], directory);
    expect(await folder.exit).toBe(1);
    expect(folder.stderr()).toContain('. is a folder. Name a file in it, such as config.db.');

    await writeFile(join(directory, 'notes.txt'), 'precious');
    const foreign = run(['--json', '--db', 'notes.txt'], directory);
    expect(await foreign.exit).toBe(1);
    expect(foreign.stderr()).toContain('notes.txt');
    for (const server of [busy, foreign]) {
      expect(server.stderr()).not.toMatch(/\n\s+at /);
      expect(server.stdout()).toBe('');
    }
  });

  it.each([
    ['Promise.reject(new TypeError(text))', 'TypeError'],
    ['setImmediate(() => { throw Object.assign(new Error(text), { code: "ERR_X" }); })', 'Error, ERR_X'],
    ['Promise.reject(text)', 'string'],
    ['Promise.reject({ errors: [{ data: text }] })', 'object'],
    ['Promise.reject(new AggregateError([new Error(text)], text, { cause: text }))', 'AggregateError'],
    ['new (require("node:events").EventEmitter)().emit("error", new Error(text))', 'Error'],
  ])('ends on an unhandled error and does not print its text: %s', async (failure, kind) => {
    const directory = await temporaryDirectory();
    const preload = join(directory, 'fail.cjs');
    // A line that looks like a stack frame must not help the text out either.
    const text = 'const text = "sk_hidden\\n    at sk_hidden\\n    at f (sk_hidden:1:2)";';
    await writeFile(preload, `${text} process.on('SIGUSR2', () => { ${failure}; });`);
    const server = run(['--json', '--log-level', 'silent'], directory, ['--require', preload]);
    await firstLine(server);
    server.child.kill('SIGUSR2');
    expect(await server.exit).toBe(1);
    expect(server.stderr()).toContain(`unexpected failure (${kind})`);
    expect(server.stderr()).not.toContain('sk_hidden');
  });

  it.skipIf(process.platform === 'win32')(
    'outlives more connections than it may have open files',
    async () => {
      const directory = await temporaryDirectory();
      const limited = ['sh', '-c', 'ulimit -n 80; exec "$0" "$@"', process.execPath, PROGRAM];
      const server = runCommand([...limited, '--json', '--port', '0', '--log-level', 'silent'], directory);
      const url = String((await firstLine(server)).url);
      const { hostname, port } = new URL(url);
      const sockets = Array.from({ length: 200 }, () => connect(Number(port), hostname));
      for (const socket of sockets) socket.on('error', () => undefined);
      // Time for what the server does every second.
      await delay(3_000);
      for (const socket of sockets) socket.destroy();
      const status = () => fetch(`${url}/healthz`).then((response) => response.status, String);
      await expect.poll(status, { timeout: 60_000 }).toBe(200);
      expect([server.child.exitCode, server.stderr()]).toEqual([null, '']);
    },
  );

  it('prints help and version', async () => {
    const directory = await temporaryDirectory();
    const help = run(['--help'], directory);
    expect(await help.exit).toBe(0);
    for (const option of ['--host', '--port', '--db', '--json', '--token-ttl', '--new-admin-client']) {
      expect(help.stdout()).toContain(option);
    }
    const version = run(['--version'], directory);
    expect(await version.exit).toBe(0);
    expect(version.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

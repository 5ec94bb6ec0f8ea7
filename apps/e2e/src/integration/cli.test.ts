import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import { type ConfigServer, createConfigServer } from '@smooai/config-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const cli = join(root, 'packages/cli/bin/smooai-config.js');

let server: ConfigServer;
let folder: string;
let credentials: string;

beforeAll(async () => {
  server = await createConfigServer({ env: {} });
  folder = await mkdtemp(join(tmpdir(), 'smooai-config-cli-'));
  credentials = join(folder, 'credentials.json');
  await writeFile(credentials, JSON.stringify(server.credentials), { mode: 0o600 });
  const pushed = await run(['push', 'apps/demo-schema/src/index.ts', '--name', 'shop', '--yes']);
  expect(pushed).toMatchObject({ code: 0, stderr: '' });
});

afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

function run(argv: string[], stdin = ''): Promise<Result> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: 120_000 };
    const child = execFile(
      process.execPath,
      [cli, ...argv, '--credentials', credentials],
      options,
      (error, stdout, stderr) => {
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        });
      },
    );
    child.stdin?.end(stdin);
  });
}

describe('the built command', () => {
  it('sets a flag of the demo', async () => {
    expect(await run(['set', 'flags.newCheckout', 'true', '--env', 'development'])).toEqual({
      code: 0,
      stdout: 'flags.newCheckout (development): false (default) → true\n',
      stderr: '',
    });
    expect((await run(['get', 'newCheckout'])).stdout).toBe('true\n');
  });

  it('reads a secret from a pipe', async () => {
    const { code, stdout } = await run(['set', 'secrets.paymentKey', '--stdin'], 'a-piped-secret\n');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'secrets.paymentKey (development): not set → ********\n',
    });
    expect((await run(['get', 'secrets.paymentKey', '--show-secrets'])).stdout).toBe('a-piped-secret\n');
    const file = join(folder, 'values.json');
    expect((await run(['pull', '--show-secrets', '-o', file])).code).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8')).secrets).toEqual({ paymentKey: 'a-piped-secret' });
  });

  it.each(['>> .env', '| tee -a .env > tee.log', '| cat >> .env'])(
    'adds a client to a file whose last line has no line break: %s',
    async (redirection) => {
      await writeFile(join(folder, '.env'), 'LAST=1');
      const command = `"${process.execPath}" "${cli}" clients create api -c "${credentials}" ${redirection}`;
      await promisify(execFile)('sh', ['-c', command], { cwd: folder });
      expect(parseEnv(await readFile(join(folder, '.env'), 'utf8'))).toMatchObject({
        LAST: '1',
        SMOOAI_CONFIG_API_URL: server.credentials?.apiUrl,
        SMOOAI_CONFIG_CLIENT_SECRET: expect.stringMatching(/^sk_/),
      });
    },
  );

  it('exits with 1 if the server refuses, and with 2 if it is used incorrectly', async () => {
    const refused = await run(['set', 'flags.theme', 'purple']);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('refused (400)') });
    const unknown = await run(['get', 'flags.newCheckuot']);
    expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Did you mean') });
    for (const { stderr } of [refused, unknown]) expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('ends without an error when the reader of its output has gone', async () => {
    const child = spawn(process.execPath, [cli, 'list', '--json', '--credentials', credentials], {
      cwd: root,
    });
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(errors.join('')).toBe('');
    expect([0, 141]).toContain(code);
  });
});

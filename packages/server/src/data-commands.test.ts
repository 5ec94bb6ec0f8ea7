import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from './test-support/running-server.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
// One level below the package, like dist, where the program looks for package.json.
const OUTPUT = join(PACKAGE, 'test-results');
const PROGRAM = join(OUTPUT, 'data-commands-main.js');
const COMMANDS = ['migrate', 'export', 'import', 'backup', 'restore'];

beforeAll(async () => {
  await build({
    cwd: PACKAGE,
    config: false,
    entry: { 'data-commands-main': 'src/main.ts' },
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
}, 120_000);

interface Output {
  child: ChildProcess;
  stdout: string;
  stderr: string;
}

function start(args: readonly string[], cwd: string, env: Record<string, string> = {}): Output {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { ...process.env, ...env }, stdio });
  const output: Output = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  return output;
}

async function run(args: readonly string[], cwd: string, env?: Record<string, string>) {
  const output = start(args, cwd, env);
  await once(output.child, 'close');
  return { code: output.child.exitCode, stdout: output.stdout, stderr: output.stderr };
}

describe('the commands that move data', { timeout: 900_000 }, () => {
  it.each(COMMANDS)('%s --help prints its options', async (command) => {
    const { code, stdout } = await run([command, '--help'], await temporaryDirectory());
    expect(code).toBe(0);
    expect(stdout).toContain(`smooai-config-server ${command} [options]`);
    expect(stdout).toContain('--help');
  });

  it.each([
    ['migrate without a database', ['migrate'], '--database'],
    ['an invalid URL', ['migrate', '--database', 'hush://hush-hush'], 'The URL of the database is not valid'],
    ['an invalid URL to import into', ['import', 'a', '--database', 'hush-hush'], 'The URL of the database'],
    [
      'an invalid URL to export',
      ['export', 'a', '--database', 'postgres://u:hush-hush@h'],
      'name of the database',
    ],
    ['no file', ['export'], "missing required argument 'file'"],
    ['too many files', ['backup', 'a', 'b'], 'too many arguments'],
    ['an unknown option', ['restore', 'a', '--fast'], '--fast'],
    [
      'two databases',
      ['import', 'a', '--db', 'b', '--database', 'postgres://h/n'],
      'Choose one of --db and --database',
    ],
  ])('exit with 2 for %s', async (_, args, words) => {
    const { code, stdout, stderr } = await run(args, await temporaryDirectory());
    expect([code, stdout], stderr).toEqual([2, '']);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('hush-hush');
  });

  it('exit with 2 for an invalid URL in the variable, and do not show it', async () => {
    const env = { SMOOAI_CONFIG_SERVER_DATABASE_URL: 'hush-hush' };
    const { code, stderr } = await run(['migrate'], await temporaryDirectory(), env);
    expect([code, stderr]).toEqual([2, expect.stringContaining('is not valid')]);
    expect(stderr).not.toContain('hush-hush');
  });

  it('exit with 1 if a file or the key is missing, or a file is in the way', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'taken'), 'precious');
    const noKey = await run(['restore', 'backup.db', '--db', 'config.db'], directory);
    expect([noKey.code, noKey.stderr]).toEqual([1, expect.stringContaining('The encryption key is missing')]);
    const missing = await run(['backup', 'new', '--db', 'config.db'], directory);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('does not exist')]);
    const taken = await run(['backup', 'taken', '--db', 'config.db'], directory);
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('--force')]);
    expect(await readFile(join(directory, 'taken'), 'utf8')).toBe('precious');
    const inFile = await run(['backup', 'taken/new', '--db', 'config.db'], directory);
    expect([inFile.code, inFile.stderr]).toEqual([
      1,
      expect.stringContaining('The file taken/new cannot be written (ENOTDIR)'),
    ]);
  });

  it('export a database while its server runs, and import it into a file from which a server starts', async () => {
    const directory = await temporaryDirectory();
    const server = start(['--db', 'config.db', '--json', '--log-level', 'silent'], directory);
    onTestFinished(() => kill(server));
    await expect.poll(() => server.stdout, { timeout: 400_000 }).toContain('\n');
    const exported = await run(['export', 'new/config.jsonl', '--db', 'config.db'], directory);
    expect([exported.code, exported.stdout], exported.stderr).toEqual([
      0,
      expect.stringMatching(
        /environments: 3 rows, SHA-256 [0-9a-f]{16}\n[\s\S]*An import needs the encryption key/,
      ),
    ]);
    const early = await run(['import', 'new/config.jsonl', '--db', 'moved.db'], directory);
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('moved.db.key')]);
    await copyFile(join(directory, 'config.db.key'), join(directory, 'moved.db.key'));
    const running = await run(['import', 'config.db', '--db', 'moved.db'], directory);
    expect([running.code, running.stderr]).toEqual([
      1,
      expect.stringContaining('A server uses the database'),
    ]);
    const imported = await run(['import', 'new/config.jsonl', '--db', 'moved.db'], directory);
    expect([imported.code, imported.stdout], imported.stderr).toEqual([
      0,
      expect.stringMatching(
        /^new\/config\.jsonl: checked, an export of a database of version 2\n[\s\S]*moved\.db: imported/,
      ),
    ]);
    const moved = start(
      ['--db', 'moved.db', '--credentials', 'config.db.credentials.json', '--json', '--log-level', 'silent'],
      directory,
    );
    onTestFinished(() => kill(moved));
    await expect.poll(() => moved.stdout, { timeout: 400_000 }).toContain('\n');
    const [before, after] = [server, moved].map(
      ({ stdout }) => JSON.parse(stdout) as { organizationId: string },
    );
    expect(after?.organizationId).toBe(before?.organizationId);
  });
});

async function kill({ child }: Output): Promise<void> {
  const isRunning = child.exitCode === null && child.signalCode === null;
  child.kill('SIGKILL');
  if (isRunning) await once(child, 'close');
}

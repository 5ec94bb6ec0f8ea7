import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
// One level below the package, like dist, so that relative paths match. Separate, so that it does not disturb a build.
const OUTPUT = join(PACKAGE, 'test-results');
const SCHEMA = 'export const config = { keys: new Map(), public: {}, secrets: {}, flags: {}, limits: {} };\n';

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

/** Runs `push` without settings, so that it ends right after loading the schema file. */
async function push(schema: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'config.mjs'), schema);
  const child = spawn(process.execPath, [join(OUTPUT, 'main.js'), 'push', 'config.mjs'], {
    cwd: folder,
    env: { PATH: process.env.PATH, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString();
  });
  await once(child, 'close');
  return { code: child.exitCode, ...texts };
}

describe('the program with a schema file that', () => {
  it('leaves a timer open still ends', async () => {
    const { code, stderr } = await push(`${SCHEMA}setInterval(() => {}, 1_000_000);`);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Missing settings') });
  });

  it('never finishes fails with an error', async () => {
    const { code, stderr } = await push(`${SCHEMA}await new Promise(() => {});`);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: .*schema file/) });
  });

  it('logs to the console keeps standard output clean', async () => {
    const { stdout, stderr } = await push(`${SCHEMA}console.log('a remark');`);
    expect(stdout).toBe('');
    expect(stderr).toContain('a remark');
  });

  it('leaves a rejection unhandled fails without a stack', async () => {
    const { code, stderr } = await push(
      `${SCHEMA}void Promise.reject(new Error('left alone'));\nawait new Promise((resolve) => setTimeout(resolve, 1_000));`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain('left alone');
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

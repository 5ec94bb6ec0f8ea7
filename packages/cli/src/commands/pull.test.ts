import { lstat, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startBench } from '../test-support/cli-bench.ts';

const SECRET = 'sk-very-private-text';

it('writes the stored values, and secrets only into a file that its owner alone can read', async () => {
  const { cli, pushed, folder, file } = await startBench();
  await pushed();
  await cli(['set', 'cartItems', '7']);
  await cli(['set', 'paymentKey', '--stdin'], { stdin: SECRET });
  const shown = JSON.parse((await cli(['pull'])).stdout);
  expect(shown).toMatchObject({ environment: 'development', limits: { cartItems: 7 } });
  expect(shown).not.toHaveProperty('secrets');
  const old = await file('values.json', 'old');
  expect((await stat(old)).mode & 0o077).not.toBe(0);
  const { stdout } = await cli(['pull', '--show-secrets', '-o', 'values.json']);
  expect(stdout).toBe('2 values of "development" → values.json\n');
  expect(JSON.parse(await readFile(old, 'utf8'))).toMatchObject({ secrets: { paymentKey: SECRET } });
  expect((await stat(old)).mode & 0o777).toBe(0o600);
  await mkdir(join(folder, 'taken'));
  const refused = await cli(['pull', '-o', 'taken']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('taken cannot be written');
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('replaces the file that a symbolic link names, and keeps the link', async () => {
  const { cli, pushed, folder, file } = await startBench();
  await pushed();
  const target = await file('shared.json', 'old');
  await symlink('shared.json', join(folder, 'values.json'));
  expect((await cli(['pull', '-o', 'values.json'])).code).toBe(0);
  expect((await lstat(join(folder, 'values.json'))).isSymbolicLink()).toBe(true);
  expect(JSON.parse(await readFile(target, 'utf8'))).toMatchObject({ environment: 'development' });
});

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Lints a tree of these files with the repository's rules, and returns what the linter prints. */
async function lint(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'smooai-config-layers-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(root, 'oxlint.config.mjs'), join(folder, 'oxlint.config.mjs'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const source of ['packages/core/src', 'packages/server/src']) {
    await mkdir(join(folder, source), { recursive: true });
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const args = [
    join(root, 'node_modules/oxlint/bin/oxlint'),
    '-c',
    'oxlint.config.mjs',
    '-f',
    'unix',
    'packages',
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

const client = 'export const ready = true;\nexport type Ready = boolean;\n';

describe('the layers of core and server', () => {
  it('allow an import of a room below', async () => {
    const output = await lint({
      'packages/core/src/evaluation/evaluate.ts': 'export const value = 1;\n',
      'packages/core/src/client/config-client.ts':
        "import { value } from '../evaluation/evaluate.ts';\nexport const ready = value;\n",
    });
    expect(output.trim()).toBe('');
  });

  it.each([
    [
      'core/src/evaluation/planted.ts',
      "import { ready } from '../client/config-client.ts';\nexport const x = ready;\n",
    ],
    [
      'core/src/evaluation/check/planted.ts',
      "import type { Ready } from '../../client/config-client.ts';\nexport type X = Ready;\n",
    ],
    ['core/src/wire.ts', "import { ready } from './client/config-client.ts';\nexport const x = ready;\n"],
    ['core/src/http/planted.ts', "export { ready } from '../client/config-client.ts';\n"],
  ])('refuse an import of a room above, from %s', async (file, text) => {
    const output = await lint({
      'packages/core/src/client/config-client.ts': client,
      [`packages/${file}`]: text,
    });
    expect(output).toMatch(/planted\.ts:1:1:|wire\.ts:1:1:/);
    expect(output).toContain('no-restricted-imports');
  });

  it('refuse an import of a room beside, and of the HTTP rooms from the domain', async () => {
    const output = await lint({
      'packages/core/src/api/config-api.ts': client,
      'packages/core/src/snapshot/planted.ts':
        "import { ready } from '../api/config-api.ts';\nexport const x = ready;\n",
      'packages/server/src/http/reply.ts': client,
      'packages/server/src/domain/values.ts':
        "import type { Ready } from '../http/reply.ts';\nexport type X = Ready;\n",
    });
    expect(output.match(/no-restricted-imports/g)).toHaveLength(2);
  });

  it('refuse a file that has no floor', async () => {
    expect(await lint({ 'packages/core/src/planted.ts': client })).toContain('planted.ts has no floor');
    expect(await lint({ 'packages/server/src/planted/planted.ts': client })).toContain(
      'planted has no floor',
    );
  });

  it('refuse a cycle, also one of types alone', async () => {
    const output = await lint({
      'packages/core/src/token/one.ts': "import type { Two } from './two.ts';\nexport type One = Two | 1;\n",
      'packages/core/src/token/two.ts': "import type { One } from './one.ts';\nexport type Two = One | 2;\n",
    });
    expect(output.match(/no-cycle/g)).toHaveLength(2);
  });
});

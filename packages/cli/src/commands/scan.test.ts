import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHOP, schemaModule, startBench } from '../test-support/cli-bench.ts';

const SECRET = 'a-payment-key-of-a-test';

async function benchWithBuild(files: Record<string, string>) {
  const bench = await startBench();
  await bench.file('config.ts', schemaModule(SHOP));
  await mkdir(join(bench.folder, 'dist'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(bench.folder, 'dist', name), content);
  const scan = (argv: string[] = [], env: Record<string, string> = {}) =>
    bench.bare(['scan', 'dist', '--schema', 'config.ts', ...argv], { env });
  return { ...bench, scan };
}

describe('scan', () => {
  it('names file, key and remedy of each leak, never the value, and exits with 1', async () => {
    const { scan } = await benchWithBuild({ 'a.js': `\nkey(${SECRET})`, 'b.js': "read('paymentKey')" });
    const { code, stdout } = await scan([], { PAYMENT_KEY: SECRET });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^dist\/a\.js:2:5: the value of the secret "paymentKey"\n {2}Client code contains it\./,
    );
    expect(stdout).toContain('dist/b.js:1:6: the name of the secret "paymentKey"');
    expect(stdout).toMatch(/2 leaks in 2 files, 0\.0 MB\.\n$/);
    expect(stdout).not.toContain(SECRET);
  });

  it('finds nothing in a clean build, and says which values it could not look for', async () => {
    const { scan } = await benchWithBuild({ 'a.js': `${SECRET}` });
    const { code, stdout, stderr } = await scan();
    expect([code, stdout]).toEqual([0, 'No secret in 1 file, 0.0 MB.\n']);
    expect(stderr).toContain('Only the names of these secrets were looked for: paymentKey.');
  });

  it('takes values from .env files and from a bundle', async () => {
    const { scan, file, cli } = await benchWithBuild({ 'a.js': SECRET });
    await file('.env.local', `PAYMENT_KEY=${SECRET}\n`);
    expect((await scan()).code).toBe(1);
    await file('.env.local', '');
    expect((await scan()).code).toBe(0);
    await cli(['push', 'config.ts', '--name', 'shop', '--yes']);
    await cli(['set', 'secrets.paymentKey', '--stdin', '--env', 'production'], { stdin: SECRET });
    const built = await cli(['build', '--env', 'production', '--out', 'config.bundle', '--json']);
    const { key } = JSON.parse(built.stdout) as { key: string };
    expect((await scan(['--bundle', 'config.bundle'], { SMOO_CONFIG_KEY: key })).code).toBe(1);
    expect(await scan(['--bundle', 'config.bundle'])).toMatchObject({
      stderr: expect.stringContaining('no key'),
    });
  });

  it('looks for values only with --no-names, as before a commit, and takes files and their paths in the allow list', async () => {
    const { scan, file } = await benchWithBuild({ 'b.js': "read('paymentKey')", 'c.js': `'${SECRET}'` });
    expect((await scan()).stdout).toContain('the name of the secret');
    const { code, stdout } = await scan(['dist/b.js', '--no-names'], { PAYMENT_KEY: SECRET });
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^dist\/c\.js:1:2: the value/)]);
    await file(
      'allow.ts',
      "export const allow = [{ key: 'paymentKey', kind: 'value', file: 'c.js', reason: 'r' }, { key: 'paymentKey', kind: 'value', file: 'dist/c.js', reason: 'r' }];",
    );
    const allowed = await scan(['dist/c.js', '--no-names', '--allow', 'allow.ts'], { PAYMENT_KEY: SECRET });
    expect([allowed.code, allowed.stderr]).toEqual([0, '']);
  });

  it('refuses a folder of .env files that does not exist', async () => {
    const { scan } = await benchWithBuild({});
    expect((await scan(['--env-folder', 'none'])).stderr).toContain('cannot be read (ENOENT)');
  });

  it('allows what a module lists, with a reason, and names an entry that is not needed', async () => {
    const { scan, file } = await benchWithBuild({ 'b.js': "read('paymentKey')" });
    await file(
      'allow.ts',
      "export const allow = [{ key: 'paymentKey', file: 'b.js', reason: 'A form field.' }];",
    );
    expect((await scan(['--allow', 'allow.ts'])).code).toBe(0);
    await file(
      'allow.ts',
      "export const allow = [{ key: 'paymentKey', file: 'c.js', reason: 'A form field.' }];",
    );
    const { code, stderr } = await scan(['--allow', 'allow.ts']);
    expect(code).toBe(1);
    expect(stderr).toContain('allow.ts: the entry for "paymentKey" allows nothing');
  });

  it('prints JSON', async () => {
    const { scan } = await benchWithBuild({ 'b.js': "read('paymentKey')" });
    const { stdout } = await scan(['--json'], { PAYMENT_KEY: SECRET });
    expect(JSON.parse(stdout)).toMatchObject({
      leaks: [{ key: 'paymentKey', kind: 'name', line: 1, column: 6 }],
      files: 1,
      withoutValue: [],
    });
  });

  it.each([
    [['scan'], 2, /missing required argument 'paths'/],
    [['scan', 'dist'], 2, /The schema file src\/config\.ts cannot be read/],
    [['scan', 'none', '--schema', 'config.ts'], 2, /none does not exist\. Build first/],
    [
      ['scan', 'dist', '--schema', 'config.ts', '--allow', 'none.ts'],
      2,
      /The allow file none\.ts cannot be read/,
    ],
    [['scan', 'dist', '--schema', 'config.ts', '--allow', 'config.ts'], 2, /does not export a list "allow"/],
  ])('refuses %j', async (argv, expected, message) => {
    const { bare } = await benchWithBuild({ 'a.js': '' });
    const { code, stderr } = await bare(argv as string[]);
    expect(stderr).toMatch(message as RegExp);
    expect(code).toBe(expected);
  });
});

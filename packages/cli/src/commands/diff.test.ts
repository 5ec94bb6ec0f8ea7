import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, startBench } from '../test-support/cli-bench.ts';

const SECRET = 'sk-very-private-text';

describe('diff', () => {
  it('compares the values of two environments', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'cartItems', '7', '--env', 'staging']);
    await cli(['set', 'paymentKey', '--stdin', '--env', 'staging'], { stdin: SECRET });
    await cli(['set', 'paymentKey', '--stdin', '--env', 'production'], { stdin: `${SECRET}-2` });
    const { code, stdout } = await cli(['diff', '--from', 'staging', '--to', 'production']);
    expect(code).toBe(0);
    expect(stdout).toContain('~ secrets.paymentKey: ******** → ********');
    expect(stdout).toContain('- limits.cartItems: 7 → 20 (default)');
    expect((await cli(['diff', '--from', 'staging', '--to', 'production', '--exit-code'])).code).toBe(1);
    const same = await cli(['diff', '--from', 'staging', '--to', 'staging', '--exit-code']);
    expect(same).toMatchObject({ code: 0, stdout: '"staging" and "staging" have the same values.\n' });
  });

  it('says that a value is not set only if the key has no default', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'paymentKey', '--stdin', '--env', 'staging'], { stdin: SECRET });
    const { stdout } = await cli(['diff', '--from', 'production', '--to', 'staging']);
    expect(stdout).toContain('+ secrets.paymentKey: not set → ********');
    await cli(['set', 'cartItems', '20', '--env', 'staging']);
    const stored = await cli(['diff', '--from', 'production', '--to', 'staging']);
    expect(stored.stdout).toContain('+ limits.cartItems: 20 (default) → 20\n');
    const json = await cli(['diff', '--from', 'production', '--to', 'staging', '--json']);
    expect(JSON.parse(json.stdout).differences).toContainEqual({
      key: 'limits.cartItems',
      from: null,
      to: 20,
    });
  });

  it('compares a schema file with the server', async () => {
    const { cli, pushed, file, folder } = await startBench();
    await pushed();
    expect((await cli(['diff', 'config.ts', '--name', 'shop'])).stdout).toContain(
      'is the same here and on the server',
    );
    const module = await readFile(join(folder, 'config.ts'), 'utf8');
    await file('config.ts', module.replace('max: 100', 'max: 9').replace('default: 20', 'default: 5'));
    const { stdout, code } = await cli(['diff', 'config.ts', '--name', 'shop', '--exit-code']);
    expect(stdout).toContain(
      '~ limits.cartItems  number, minimum 1, maximum 100, default 20 → number, minimum 1, maximum 9, default 5',
    );
    expect(code).toBe(1);
  });

  it.each([
    [['diff'], /Pass a schema file/],
    [['diff', '--from', 'staging'], /--to is missing/],
    [['diff', 'config.ts', '--from', 'a', '--to', 'b'], /either a schema file/],
  ] as const)('refuses %j with code 2', async (argv, words) => {
    const { code, stderr } = await runCli(argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(words);
  });
});

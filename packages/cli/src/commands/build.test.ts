import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createBundleKey, openBundle } from '@smooai/config/server';
import { describe, expect, it } from 'vitest';
import { startBench } from '../test-support/cli-bench.ts';

const SECRET = 'a-payment-key-of-a-test';

async function benchWithValues() {
  const bench = await startBench();
  await bench.pushed();
  await bench.cli(['set', 'label', 'Shop', '--env', 'production']);
  await bench.cli(['set', 'secrets.paymentKey', '--stdin', '--env', 'production'], { stdin: SECRET });
  await bench.cli(['set', 'flags.newCheckout', 'true', '--env', 'production']);
  return { ...bench, bundle: join(bench.folder, 'config.bundle') };
}

describe('build', () => {
  it('writes an encrypted file without flags, and prints its key once', async () => {
    const { cli, bundle } = await benchWithValues();
    const { code, stdout, stderr } = await cli(['build', '--env', 'production', '--out', 'config.bundle']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^1 public value and 1 secret → config\.bundle\n.*only once.*\n$/),
    });
    const key = /^SMOO_CONFIG_KEY=(\S{44})\n$/.exec(stdout)?.[1] ?? '';
    const bytes = await readFile(bundle);
    expect((await stat(bundle)).mode & 0o777).toBe(0o600);
    expect(bytes.includes(SECRET)).toBe(false);
    expect(await openBundle(bytes, key)).toEqual({
      public: { label: 'Shop' },
      secret: { paymentKey: SECRET },
    });
  });

  it('takes the key from SMOO_CONFIG_KEY or SMOO_CONFIG_KEY_FILE, and does not print it', async () => {
    const { cli, file, bundle } = await benchWithValues();
    const key = createBundleKey();
    const keyFile = await file('key', `${key}\n`);
    const argv = ['build', '--env', 'production', '--out', 'config.bundle'];
    for (const env of [{ SMOO_CONFIG_KEY: key }, { SMOO_CONFIG_KEY_FILE: keyFile }]) {
      const { code, stdout, stderr } = await cli(argv, { env });
      expect([code, stdout]).toEqual([0, '']);
      expect(stderr).not.toContain(key);
      expect(await openBundle(await readFile(bundle), key)).toMatchObject({ public: { label: 'Shop' } });
    }
    const { stdout } = await cli([...argv, '--json'], { env: { SMOO_CONFIG_KEY: key } });
    expect(JSON.parse(stdout)).toEqual({
      environment: 'production',
      out: 'config.bundle',
      public: 1,
      secret: 1,
      key: null,
    });
  });

  it.each([
    [['build'], {}, 2, /required option '--out <file>'/],
    [['build', '--env', 'productoin', '--out', 'b'], {}, 2, /Did you mean "production"/],
    [['build', '--env', 'staging', '--out', 'b'], {}, 1, /"staging" stores no public values and no secrets/],
    [['build', '--env', 'production', '--out', 'missing/b'], {}, 2, /missing\/b cannot be written/],
    [['build', '--env', 'production', '--out', 'b'], { SMOO_CONFIG_KEY: 'hunter2' }, 2, /32 bytes in base64/],
    [['build', '--out', 'b'], { SMOO_CONFIG_KEY_FILE: 'missing' }, 2, /SMOO_CONFIG_KEY_FILE.*ENOENT/],
  ] as const)('refuses %j with %j', async (argv, env, code, words) => {
    const { cli } = await benchWithValues();
    const result = await cli([...argv], { env });
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(words);
    expect(result.stderr).not.toMatch(/hunter2|a-payment-key/);
  });
});

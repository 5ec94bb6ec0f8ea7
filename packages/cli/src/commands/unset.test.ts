import { describe, expect, it } from 'vitest';
import { shareBench, startBench } from '../test-support/cli-bench.ts';

const SECRET = 'sk-very-private-text';

describe('unset', () => {
  it("deletes the environment's own value; the default applies then", async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'newCheckout', 'true', '--env', 'staging']);
    expect(await cli(['unset', 'flags.newCheckout', '--env', 'staging'])).toEqual({
      code: 0,
      stdout: 'flags.newCheckout (staging): true → false (default)\n',
      stderr: '',
    });
    expect(JSON.parse((await cli(['get', 'newCheckout', '-e', 'staging', '--json'])).stdout)).toMatchObject({
      origin: 'default',
    });
  });

  it('deletes nothing if the environment has no value of its own, and shows the current one', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'theme', 'dark', '--env', 'production']);
    const { code, stdout } = await cli(['unset', 'theme', '--env', 'staging']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'flags.theme (staging): not set here, so nothing was deleted. Current value: light (default)\n',
    );
    expect((await cli(['get', 'theme', '--env', 'production'])).stdout).toBe('dark\n');
  });

  it("shows the fallback's value, which it does not delete", async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['env', 'create', 'preview', '--fallback', 'staging']);
    await cli(['set', 'cartItems', '7', '--env', 'staging']);
    await cli(['set', 'cartItems', '9', '--env', 'preview']);
    const first = await cli(['unset', 'cartItems', '--env', 'preview']);
    expect(first.stdout).toBe('limits.cartItems (preview): 9 → 7 (from its fallback "staging")\n');
    const again = JSON.parse((await cli(['unset', 'cartItems', '--env', 'preview', '--json'])).stdout);
    expect(again).toEqual({
      key: 'limits.cartItems',
      environment: 'preview',
      before: 7,
      after: 7,
      origin: 'fallback',
      fallback: 'staging',
      changed: false,
    });
    expect((await cli(['get', 'cartItems', '--env', 'staging'])).stdout).toBe('7\n');
  });

  it('warns if no value is left', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'label', 'hello']);
    const { code, stdout, stderr } = await cli(['unset', 'public.label']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'public.label (development): hello → no value\n' });
    expect(stderr).toMatch(/no longer has a value in "development".*no default/);
  });

  it('asks before it deletes a secret, needs --yes without a terminal, and never shows the secret', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'paymentKey', '--stdin'], { stdin: SECRET });
    const unasked = await cli(['unset', 'paymentKey']);
    expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
    const unseen = await cli(['unset', 'paymentKey'], { isTTY: 'stdin', stdin: 'y\n' });
    expect(unseen).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    const no = await cli(['unset', 'paymentKey'], { isTTY: true, stdin: 'n\n' });
    expect(no).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was changed') });
    expect((await cli(['get', 'paymentKey', '--show-secrets'])).stdout).toBe(`${SECRET}\n`);
    const yes = await cli(['unset', 'paymentKey', '--yes', '--json']);
    expect(JSON.parse(yes.stdout)).toEqual({
      key: 'secrets.paymentKey',
      environment: 'development',
      before: '********',
      after: null,
      origin: 'missing',
      changed: true,
      masked: true,
    });
    expect((await cli(['get', 'paymentKey'])).code).toBe(1);
    for (const { stdout, stderr } of [unasked, no, yes]) expect(stdout + stderr).not.toContain(SECRET);
    // It does not ask if there is nothing to delete.
    expect(await cli(['unset', 'paymentKey'])).toMatchObject({ code: 0 });
  });
});

describe('unset refuses', () => {
  const bench = shareBench();

  it.each([
    [['unset', 'flags.newChekout'], 2, /Did you mean "flags\.newCheckout"/],
    [['unset', 'theme', '--env', 'stagin'], 2, /Did you mean "staging"/],
    [['unset'], 2, /missing required argument 'key'/],
  ] as const)('%j with code %i', async (argv, code, words) => {
    const result = await bench.current.cli([...argv]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(words);
  });
});

import { describe, expect, it } from 'vitest';
import { startBench } from '../test-support/cli-bench.ts';

const columns = (text: string): string[] => text.split('\n').map((line) => line.replace(/ {2,}/g, ' | '));

describe('list', () => {
  it('prints every key with its value and its origin', async () => {
    const { cli, pushed } = await startBench();
    expect((await cli(['list'])).stdout).toContain('smooai-config push');
    await pushed();
    await cli(['set', 'cartItems', '7']);
    expect(columns((await cli(['list'])).stdout)).toEqual([
      'development',
      'KEY | ORIGIN | VALUE',
      'public.apiBaseUrl | default | https://api.example',
      'public.retries | default | 3',
      'public.label | missing | -',
      'secrets.paymentKey | missing | -',
      'flags.newCheckout | default | false',
      'flags.theme | default | light',
      'limits.cartItems | stored | 7',
      '',
    ]);
    expect(JSON.parse((await cli(['list', '--json'])).stdout)).toContainEqual({
      key: 'limits.cartItems',
      tier: 'limit',
      schema: 'shop',
      origin: 'stored',
      value: 7,
    });
  });

  it('tells values of the fallback from values that the environment stores, and get does too', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['env', 'create', 'preview', '--fallback', 'staging']);
    await cli(['set', 'cartItems', '7', '-e', 'staging']);
    await cli(['set', 'theme', 'dark', '-e', 'staging']);
    await cli(['set', 'theme', 'light', '-e', 'preview']);
    await cli(['set', 'label', 'only here', '-e', 'preview']);
    const lines = columns((await cli(['list', '-e', 'preview'])).stdout);
    expect(lines).toContain('limits.cartItems | same as staging | 7');
    expect(lines).toContain('flags.theme | stored | light');
    expect(lines).toContain('public.label | stored | only here');
    expect(lines).toContain('flags.newCheckout | default | false');
    expect(JSON.parse((await cli(['list', '-e', 'preview', '--json'])).stdout)).toContainEqual({
      key: 'limits.cartItems',
      tier: 'limit',
      schema: 'shop',
      origin: 'fallback',
      fallback: 'staging',
      value: 7,
    });
    const get = async (key: string): Promise<unknown> =>
      JSON.parse((await cli(['get', key, '-e', 'preview', '--json'])).stdout);
    expect(await get('cartItems')).toMatchObject({ origin: 'fallback', fallback: 'staging', value: 7 });
    expect(await get('theme')).toMatchObject({ origin: 'stored', value: 'light' });
    expect(await get('newCheckout')).toMatchObject({ origin: 'default' });
  });

  it('does not claim that a value is stored if the client has no access to the fallback', async () => {
    const { cli, bare, file, pushed } = await startBench();
    await pushed();
    await cli(['env', 'create', 'preview', '--fallback', 'production']);
    await cli(['set', 'cartItems', '7', '-e', 'production']);
    const reader = await cli(['clients', 'create', 'reader', '--environments', 'preview', '--json']);
    await file('reader.json', reader.stdout);
    const list = (...argv: string[]) => bare(['list', '-e', 'preview', '-c', 'reader.json', ...argv]);
    expect(columns((await list()).stdout)).toContain('limits.cartItems | stored or inherited | 7');
    expect(JSON.parse((await list('--json')).stdout)).toContainEqual(
      expect.objectContaining({ key: 'limits.cartItems', origin: 'stored-or-fallback', value: 7 }),
    );
  });

  it('is coloured only on a terminal without NO_COLOR', async () => {
    const { cli } = await startBench();
    const colorCode = '\u001b[';
    expect((await cli(['env', 'list'], { env: { NO_COLOR: '' } })).stdout).not.toContain(colorCode);
    expect((await cli(['env', 'list'], { env: { NO_COLOR: '' }, isTTY: true })).stdout).toContain(colorCode);
    expect((await cli(['env', 'list'], { env: { NO_COLOR: '1' }, isTTY: true })).stdout).not.toContain(
      colorCode,
    );
  });

  it('escapes control characters, so that a value cannot control the terminal', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'label', 'a\u001b[2Jb']);
    expect((await cli(['list'])).stdout).toContain('a\\u001b[2Jb');
    expect((await cli(['get', 'label'], { isTTY: true })).stdout).toBe('a\\u001b[2Jb\n');
    expect((await cli(['get', 'label'])).stdout).toBe('a\u001b[2Jb\n');
  });
});

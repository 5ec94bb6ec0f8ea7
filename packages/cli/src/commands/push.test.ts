import { describe, expect, it } from 'vitest';
import { SHOP, schemaModule, startBench } from '../test-support/cli-bench.ts';

const WITHOUT_THEME = SHOP.replace(/, theme: [^\n]*\.default\('light'\)/, '');

describe('push', () => {
  it('creates a schema, lists its keys, and does nothing the second time', async () => {
    const { cli, file } = await startBench();
    await file('config.ts', schemaModule(SHOP));
    const first = await cli(['push', 'config.ts', '--name', 'shop']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('Schema "shop" (new)');
    expect(first.stdout).toContain('+ flags.newCheckout  boolean, default false');
    expect(first.stdout).toContain('+ limits.cartItems  number, minimum 1, maximum 100, default 20');
    expect(first.stdout).toContain('Pushed schema "shop", version 1.');
    const second = await cli(['push', 'config.ts', '--name', 'shop', '--json']);
    expect(JSON.parse(second.stdout)).toMatchObject({ schema: 'shop', version: 1, pushed: false, added: [] });
  });

  it('uses the name in the nearest package.json', async () => {
    const { cli, file } = await startBench();
    await file('config.ts', schemaModule(SHOP));
    await file('package.json', JSON.stringify({ name: '@acme/storefront' }));
    const { stdout } = await cli(['push', 'config.ts', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'storefront', version: 1, pushed: true });
  });

  it('changes nothing with --dry-run, which a client with read access may use', async () => {
    const { cli, bare, file, pushed } = await startBench();
    await file('config.ts', schemaModule(SHOP));
    expect((await cli(['push', 'config.ts', '--name', 'shop', '--dry-run'])).stdout).toContain(
      'Nothing was pushed',
    );
    expect((await cli(['list', '--json'])).stdout).toBe('[]\n');
    await pushed();
    await file('reader.json', (await cli(['clients', 'create', 'pull requests', '--json'])).stdout);
    await file('config.ts', schemaModule(WITHOUT_THEME));
    const argv = ['push', 'config.ts', '--name', 'shop', '-c', 'reader.json'];
    expect(await bare([...argv, '--dry-run'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('- flags.theme'),
    });
    expect((await bare([...argv, '--yes'])).stderr).toContain('refused (403)');
  });

  it('shows the name of a format instead of its pattern, unless the pattern changes', async () => {
    const { cli, pushed, file } = await startBench();
    await pushed('public: { mail: z.email() },');
    const [, body = ''] = (await cli(['set', 'mail', 'nobody'])).stderr.split('"mail" ');
    expect(body).toBe('must be an e-mail address.\n');
    await file('config.ts', schemaModule('public: { mail: z.email(), other: z.email() },'));
    const added = await cli(['push', 'config.ts', '--name', 'shop', '--dry-run']);
    expect(added.stdout).toContain('+ public.other  string (email)\n');
    await file('config.ts', schemaModule('public: { mail: z.email({ pattern: /@shop\\.example$/ }) },'));
    const { stdout } = await cli(['push', 'config.ts', '--name', 'shop', '--dry-run']);
    expect(stdout).toMatch(
      /~ public\.mail {2}string \(email\), pattern .* → string \(email\), pattern "@shop/,
    );
  });

  it('adds and changes keys without a terminal, but removes keys only with --yes', async () => {
    const { cli, file, pushed } = await startBench();
    await pushed();
    await file(
      'config.ts',
      schemaModule(
        SHOP.replace('max: 100', 'max: 50').replace(
          'limits: {',
          'limits: { orders: defineLimit({ default: 1 }),',
        ),
      ),
    );
    const widened = await cli(['push', 'config.ts', '--name', 'shop']);
    expect(widened.stdout).toContain('+ limits.orders');
    expect(widened.stdout).toMatch(/~ limits\.cartItems .*maximum 100.* → .*maximum 50/);
    expect(widened.code).toBe(0);
    await file('config.ts', schemaModule(WITHOUT_THEME));
    const refused = await cli(['push', 'config.ts', '--name', 'shop']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('removes flags.theme, limits.orders'),
    });
    expect(refused.stderr).toContain('--yes');
    expect((await cli(['get', 'theme'])).stdout).toBe('light\n');
    expect((await cli(['push', 'config.ts', '--name', 'shop', '--yes'])).code).toBe(0);
    expect((await cli(['get', 'theme'])).code).toBe(2);
  });

  it.each([
    ['y\n', 0, 'version 2'],
    ['\n', 1, 'Nothing was pushed'],
    ['', 1, 'Nothing was pushed'],
  ])('asks on a terminal: %j', async (stdin, code, words) => {
    const { cli, file, pushed } = await startBench();
    await pushed();
    await file('config.ts', schemaModule(WITHOUT_THEME));
    const result = await cli(['push', 'config.ts', '--name', 'shop'], { isTTY: true, stdin });
    expect(result.code).toBe(code);
    expect(result.stderr).toContain('[y/N]');
    expect(result.stdout + result.stderr).toContain(words);
  });

  it('refuses a schema that stored values do not match, and names each with its environments, unless --force', async () => {
    const { cli, file, pushed } = await startBench();
    await pushed();
    await cli(['set', 'theme', 'dark', '--env', 'staging']);
    await cli(['set', 'secrets.paymentKey', 'abcdef-very-private']);
    await file(
      'config.ts',
      schemaModule(SHOP.replace("'light', 'dark'", "'light', 'blue'").replace('min(5)', 'min(50)')),
    );
    const refused = await cli(['push', 'config.ts', '--name', 'shop', '--yes']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/flags\.theme \([^)]*staging[^)]*\): /);
    expect(refused.stderr).toContain('secrets.paymentKey (development');
    expect(refused.stdout + refused.stderr).not.toContain('abcdef-very-private');
    const dry = await cli(['push', 'config.ts', '--name', 'shop', '--dry-run']);
    expect(dry).toMatchObject({ code: 1, stderr: refused.stderr });
    const forced = await cli(['push', 'config.ts', '--name', 'shop', '--dry-run', '--force']);
    expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing was pushed') });
    expect((await cli(['push', 'config.ts', '--name', 'shop', '--yes', '--force'])).code).toBe(0);
  });

  it('deletes the values of removed keys only with --force', async () => {
    const { cli, file, pushed } = await startBench();
    await pushed();
    await cli(['set', 'theme', 'dark']);
    await file('config.ts', schemaModule(WITHOUT_THEME));
    const refused = await cli(['push', 'config.ts', '--name', 'shop', '--yes']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('flags.theme (development') });
    expect((await cli(['push', 'config.ts', '--name', 'shop', '--yes', '--force'])).code).toBe(0);
    expect(JSON.stringify(JSON.parse((await cli(['pull'])).stdout))).not.toContain('theme');
  });

  it.each([
    ['without options', []],
    ['with --dry-run', ['--dry-run']],
  ])('refuses a key of another schema and says what to do, %s', async (_name, flags) => {
    const { cli, pushed, file } = await startBench();
    await pushed();
    await file('other.ts', schemaModule(`flags: { theme: z.boolean() },`));
    const { code, stderr } = await cli(['push', 'other.ts', '--name', 'other', ...flags]);
    expect(code).toBe(1);
    expect(stderr).toContain('flags.theme (schema "shop")');
    expect(stderr).toContain('--name "shop"');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await cli(['list', '--json'])).stdout).not.toContain('"other"');
  });

  it('shows why the server refuses: a key that another schema has taken meanwhile', async () => {
    const { cli, pushed, file } = await startBench();
    await pushed();
    await file('other.ts', schemaModule(`flags: { theme: z.boolean() },`));
    const stale: typeof fetch = (input, init) =>
      (init?.method ?? 'GET') === 'GET' &&
      String(input instanceof Request ? input.url : input).endsWith('/schemas')
        ? Promise.resolve(Response.json([]))
        : fetch(input, init);
    const { code, stderr } = await cli(['push', 'other.ts', '--name', 'other'], { fetch: stale });
    expect(code).toBe(1);
    expect(stderr).toContain('refused (409)');
    expect(stderr).toContain('"theme" belongs to the schema "shop"');
    expect(stderr).toContain('Push under the name "shop"');
  });
});

import { describe, expect, it } from 'vitest';
import { shareBench, startBench } from '../test-support/cli-bench.ts';

const SECRET = 'sk-very-private-text';
const COHORT = {
  $cohort: {
    rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true }],
    defaultValue: false,
  },
};
const bench = shareBench();

describe('set', () => {
  it('prints the value before and after, and get then reads it', async () => {
    const { cli } = bench.current;
    expect(await cli(['set', 'flags.newCheckout', 'true', '--env', 'development'])).toEqual({
      code: 0,
      stdout: 'flags.newCheckout (development): false (default) → true\n',
      stderr: '',
    });
    expect((await cli(['set', 'newCheckout', 'false'])).stdout).toContain('true → false');
    expect((await cli(['set', 'newCheckout', 'false'])).stdout).toContain('false (unchanged)');
    expect((await cli(['get', 'newCheckout'])).stdout).toBe('false\n');
    expect(JSON.parse((await cli(['set', 'newCheckout', 'true', '--json'])).stdout)).toEqual({
      key: 'flags.newCheckout',
      environment: 'development',
      before: false,
      after: true,
      changed: true,
    });
  });

  it('uses the environment of --env, else of the variable; options may precede the command', async () => {
    const { cli } = bench.current;
    const env = { SMOOAI_CONFIG_ENV: 'production' };
    await cli(['--env', 'production', 'set', 'cartItems', '7']);
    expect((await cli(['get', 'cartItems', '-e', 'production'])).stdout).toBe('7\n');
    expect((await cli(['get', 'cartItems'], { env })).stdout).toBe('7\n');
    expect(JSON.parse((await cli(['get', 'cartItems', '--json'])).stdout)).toMatchObject({
      value: 20,
      origin: 'default',
      environment: 'development',
    });
  });

  it.each([
    ['public.label', '123', '123'],
    ['public.label', 'true', 'true'],
    ['public.label', '"quoted"', '"quoted"'],
    ['public.retries', '5', 5],
    ['limits.cartItems', '50', 50],
    ['flags.theme', 'dark', 'dark'],
    ['flags.newCheckout', JSON.stringify(COHORT), COHORT],
    ['flags.theme', '{"$cohort":{"defaultValue":"dark"}}', { $cohort: { defaultValue: 'dark' } }],
  ])('parses the value as the schema says: %s %s', async (key, text, value) => {
    const { cli } = bench.current;
    expect((await cli(['set', key, text, '-e', 'staging'])).code).toBe(0);
    expect(JSON.parse((await cli(['get', key, '--json', '-e', 'staging'])).stdout).value).toEqual(value);
  });

  it('reads targeting from a file and summarizes it', async () => {
    const { cli, file } = bench.current;
    await file('targeting.json', JSON.stringify(COHORT));
    const { stdout } = await cli(['set', 'newCheckout', '--file', 'targeting.json', '-e', 'production']);
    expect(stdout).toContain('→ targeted: 1 rule, else false');
    expect(JSON.parse((await cli(['get', 'newCheckout', '-e', 'production'])).stdout)).toEqual(COHORT);
  });
});

describe('set in an environment with a fallback', () => {
  it('reports a change when it stores the same value as the fallback, and "unchanged" after that', async () => {
    const { cli } = bench.current;
    await cli(['env', 'create', 'preview', '--fallback', 'staging']);
    await cli(['set', 'theme', 'dark', '-e', 'staging']);
    const first = await cli(['set', 'theme', 'dark', '-e', 'preview']);
    expect(first.stdout).toBe('flags.theme (preview): dark (from its fallback "staging") → dark\n');
    const second = await cli(['set', 'theme', 'dark', '-e', 'preview']);
    expect(second.stdout).toBe('flags.theme (preview): dark (unchanged)\n');
    await cli(['set', 'theme', 'light', '-e', 'staging']);
    expect((await cli(['get', 'theme', '-e', 'preview'])).stdout).toBe('dark\n');
  });

  it('says in JSON that storing an inherited value is a change', async () => {
    const { cli } = bench.current;
    await cli(['env', 'create', 'preview-json', '--fallback', 'staging']);
    await cli(['set', 'cartItems', '9', '-e', 'staging']);
    const set = () => cli(['set', 'cartItems', '9', '-e', 'preview-json', '--json']);
    expect(JSON.parse((await set()).stdout)).toMatchObject({ before: 9, after: 9, changed: true });
    expect(JSON.parse((await set()).stdout)).toMatchObject({ before: 9, after: 9, changed: false });
  });
});

describe('set of a secret', () => {
  it('reads it from standard input, and every command masks it', async () => {
    const { cli } = bench.current;
    const set = await cli(['set', 'secrets.paymentKey', '--stdin'], { stdin: `${SECRET}\n` });
    expect(set).toEqual({
      code: 0,
      stdout: 'secrets.paymentKey (development): not set → ********\n',
      stderr: '',
    });
    const masked = await Promise.all(
      [['get', 'paymentKey'], ['list'], ['list', '--json'], ['pull'], ['get', 'paymentKey', '--json']].map(
        (argv) => cli(argv),
      ),
    );
    for (const { code, stdout, stderr } of masked) {
      expect(code).toBe(0);
      expect(stdout + stderr).not.toContain(SECRET);
    }
    expect(await cli(['get', 'paymentKey', '--show-secrets'])).toEqual({
      code: 0,
      stdout: `${SECRET}\n`,
      stderr: '',
    });
    const argument = await cli(['set', 'paymentKey', `${SECRET}-2`]);
    expect(argument.stderr).toContain('--stdin');
    expect(argument.stdout).toBe('secrets.paymentKey (development): ******** → ********\n');
  });

  it('does not repeat a secret that the server refuses', async () => {
    const { cli } = bench.current;
    const { code, stdout, stderr } = await cli(['set', 'paymentKey', '--stdin'], { stdin: 'zq9!' });
    expect(code).toBe(1);
    expect(stderr).toContain('paymentKey');
    expect(stdout + stderr).not.toContain('zq9!');
  });

  it('refuses standard input that is not UTF-8', async () => {
    const { cli } = bench.current;
    const stdin = new Uint8Array([0x73, 0x6b, 0xff, 0xfe, 0x31, 0x32]);
    const argv = ['set', 'secrets.paymentKey', '--stdin', '-e', 'production'];
    const { code, stderr } = await cli(argv, { stdin });
    expect(code).toBe(2);
    expect(stderr).toContain('not valid UTF-8');
    expect((await cli(['get', 'secrets.paymentKey', '-e', 'production'])).code).toBe(1);
  });
});

describe('set and get refuse', () => {
  it.each([
    [
      ['set', 'flags.newChekout', 'true'],
      /Unknown key "flags\.newChekout"\. Did you mean "flags\.newCheckout"\?/,
    ],
    [['get', 'them'], /Did you mean "theme"\?/],
    [['set', 'secrets.theme', 'x'], /"theme" is a flag\. Use its name: flags\.theme/],
    [
      ['get', 'flag.theme'],
      /a name starts with public\., secrets\., flags\., limits\..*Did you mean "flags\.theme"/,
    ],
    [
      ['set', 'newCheckout', 'yes'],
      /flags\.newCheckout must be a boolean, but "yes" is not\. Use true or false/,
    ],
    [['set', 'theme'], /exactly one way/],
    [['set', 'theme', 'dark', '--stdin'], /exactly one way/],
    [['set', 'theme', '--stdin'], /Standard input is empty/],
    [['set', 'theme', '--file', 'none.json'], /--file none\.json cannot be read: file or folder not found/],
    [
      ['set', 'theme', 'dark', '--env', 'prodution'],
      /Unknown environment "prodution"\. Did you mean "production".* Choose one with --env or SMOOAI_CONFIG_ENV\./,
    ],
    [
      ['list', '--env', 'nowhere-at-all'],
      /Unknown environment "nowhere-at-all"\. Environments: development, .*production, staging/,
    ],
  ] as const)('%j with code 2', async (argv, words) => {
    const { code, stdout, stderr } = await bench.current.cli([...argv]);
    expect(stderr).toMatch(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    [['set', 'limits.cartItems', '500'], /refused \(400\).*cartItems/],
    [['set', 'flags.theme', 'purple'], /refused \(400\)/],
    [['set', 'public.apiBaseUrl', 'nowhere'], /refused \(400\).*must be a URL/],
    [
      ['get', 'secrets.paymentKey', '-e', 'staging'],
      /secrets\.paymentKey has no value in "staging", and a default in the schema file is not known here/,
    ],
  ] as const)('%j with code 1', async (argv, words) => {
    const { code, stdout, stderr } = await bench.current.cli([...argv]);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('text where the schema has another type, with an example', async () => {
    const { cli, pushed } = await startBench();
    await pushed(`public: { tags: z.array(z.string()), size: z.object({ width: z.number() }), any: z.union([z.number(), z.null()]) },
      limits: { items: defineLimit({ default: 1 }) },`);
    const messageOf = async (key: string) => (await cli(['set', key, 'oops'])).stderr;
    expect(await messageOf('tags')).toMatch(
      /must be an array, but "oops" is not\. Use JSON, such as '\["a","b"\]'/,
    );
    expect(await messageOf('size')).toMatch(
      /must be an object, but "oops" is not\. Use JSON, such as '\{"size"/,
    );
    expect(await messageOf('any')).toMatch(/must be a number or null, but "oops" is not\. Use a number/);
    expect(await messageOf('items')).toMatch(/must be a number, but/);
  });

  it('with an error in JSON with --json', async () => {
    const { stderr } = await bench.current.cli(['get', 'them', '--json']);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'ERR_USAGE', message: expect.stringContaining('Did you mean "theme"?') },
    });
  });
});

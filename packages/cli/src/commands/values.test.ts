import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliBench, startBench } from '../test-support/cli-server.ts';

const SECRET = 'sk-very-private-text';
const COHORT = {
  $cohort: {
    rules: [{ id: 'nl', when: { attribute: 'country', op: 'in', values: ['NL'] }, value: true }],
    defaultValue: false,
  },
};

it('set refuses standard input that is no UTF-8, which it could not store as it is', async () => {
  const { cli, pushed } = await startBench();
  await pushed();
  const stdin = new Uint8Array([0x73, 0x6b, 0xff, 0xfe, 0x31, 0x32]);
  const { code, stderr } = await cli(['set', 'secrets.paymentKey', '--stdin'], { stdin });
  expect(code).toBe(2);
  expect(stderr).toContain('no UTF-8');
  expect((await cli(['get', 'secrets.paymentKey'])).code).toBe(1);
});

describe('set and get', () => {
  it('show before and after, and read what was set', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
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

  it('take the environment of --env, else of the variable, and options on either side of the command', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['--env', 'production', 'set', 'cartItems', '7']);
    expect((await cli(['get', 'cartItems', '-e', 'production'])).stdout).toBe('7\n');
    expect((await cli(['get', 'cartItems'], { env: { SMOOAI_CONFIG_ENV: 'production' } })).stdout).toBe(
      '7\n',
    );
    const other = await cli(['get', 'cartItems', '--json']);
    expect(JSON.parse(other.stdout)).toMatchObject({
      value: 20,
      source: 'default',
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
  ])('parse a value by the schema: %s %s', async (key, text, value) => {
    const { cli, pushed } = await startBench();
    await pushed();
    expect((await cli(['set', key, text])).code).toBe(0);
    expect(JSON.parse((await cli(['get', key, '--json'])).stdout).value).toEqual(value);
  });

  it('take targeting from a file, and show it in a few words', async () => {
    const { cli, pushed, file } = await startBench();
    await pushed();
    await file('targeting.json', JSON.stringify(COHORT));
    const { stdout } = await cli(['set', 'newCheckout', '--file', 'targeting.json']);
    expect(stdout).toContain('→ targeted: 1 rule, else false');
    expect(JSON.parse((await cli(['get', 'newCheckout'])).stdout)).toEqual(COHORT);
  });

  it('take a secret from standard input and mask it everywhere', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
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

  it('never repeat a secret that is refused', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    const { code, stdout, stderr } = await cli(['set', 'paymentKey', '--stdin'], { stdin: 'zq9!' });
    expect(code).toBe(1);
    expect(stderr).toContain('paymentKey');
    expect(stdout + stderr).not.toContain('zq9!');
  });
});

describe('what set and get refuse', () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  let bench: CliBench;
  beforeAll(async () => {
    bench = await startBench((cleanup) => cleanups.push(cleanup));
    await bench.pushed();
  });
  afterAll(() => Promise.all(cleanups.map((cleanup) => cleanup())));

  it.each([
    [['set', 'flags.newChekout', 'true'], /no key "flags\.newChekout"\. Did you mean "flags\.newCheckout"\?/],
    [['get', 'them'], /Did you mean "theme"\?/],
    [['set', 'secrets.theme', 'x'], /"theme" is a flag: its name is flags\.theme/],
    [
      ['get', 'flag.theme'],
      /a name starts with public\., secrets\., flags\., limits\..*Did you mean "flags\.theme"/,
    ],
    [
      ['set', 'newCheckout', 'yes'],
      /flags\.newCheckout wants boolean, and "yes" is not\. Give true or false/,
    ],
    [['set', 'theme'], /exactly one way/],
    [['set', 'theme', 'dark', '--stdin'], /exactly one way/],
    [['set', 'theme', '--stdin'], /Standard input is empty/],
    [['set', 'theme', '--file', 'none.json'], /--file none\.json cannot be read: there is no such file/],
    [
      ['set', 'theme', 'dark', '--env', 'prodution'],
      /no environment "prodution"\. Did you mean "production"/,
    ],
    [
      ['list', '--env', 'nowhere-at-all'],
      /no environment "nowhere-at-all"\. There are: development, production, staging/,
    ],
  ] as const)('%j: code 2', async (argv, words) => {
    const { cli } = bench;
    const { code, stdout, stderr } = await cli([...argv]);
    expect(stderr).toMatch(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    [['set', 'limits.cartItems', '500'], /refused \(400\).*cartItems/],
    [['set', 'flags.theme', 'purple'], /refused \(400\)/],
    [['set', 'public.apiBaseUrl', 'nowhere'], /refused \(400\).*must be a URL/],
    [['get', 'secrets.paymentKey'], /secrets\.paymentKey has no value in "development"/],
  ] as const)('%j: code 1', async (argv, words) => {
    const { cli } = bench;
    const { code, stdout, stderr } = await cli([...argv]);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('an error is JSON with --json', async () => {
    const { cli } = bench;
    const { stderr } = await cli(['get', 'them', '--json']);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'ERR_USAGE', message: expect.stringContaining('Did you mean "theme"?') },
    });
  });
});

describe('list', () => {
  it('is a table of every key with its value and where that comes from', async () => {
    const { cli, pushed } = await startBench();
    expect((await cli(['list'])).stdout).toContain('smooai-config push');
    await pushed();
    await cli(['set', 'cartItems', '7']);
    const { stdout } = await cli(['list']);
    expect(stdout.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'development',
      'KEY | SOURCE | VALUE',
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
      source: 'stored',
      value: 7,
    });
  });

  it('has no colours but on a terminal, and there only without NO_COLOR', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    const colorCode = '\u001b[';
    expect((await cli(['list'], { env: { NO_COLOR: '' } })).stdout).not.toContain(colorCode);
    expect((await cli(['list'], { env: { NO_COLOR: '' }, isTTY: true })).stdout).toContain(colorCode);
    expect((await cli(['list'], { env: { NO_COLOR: '1' }, isTTY: true })).stdout).not.toContain(colorCode);
  });

  it('does not let a value drive the terminal', async () => {
    const { cli, pushed } = await startBench();
    await pushed();
    await cli(['set', 'label', 'a\u001b[2Jb']);
    expect((await cli(['list'])).stdout).toContain('a\\u001b[2Jb');
    expect((await cli(['get', 'label'], { isTTY: true })).stdout).toBe('a\\u001b[2Jb\n');
    expect((await cli(['get', 'label'])).stdout).toBe('a\u001b[2Jb\n');
  });
});

describe('pull', () => {
  it('writes the stored values, and secrets into a file of the owner alone', async () => {
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
  });
});

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
    expect(stdout).toContain('- limits.cartItems: 7 → not set');
    expect((await cli(['diff', '--from', 'staging', '--to', 'production', '--exit-code'])).code).toBe(1);
    const same = await cli(['diff', '--from', 'staging', '--to', 'staging', '--exit-code']);
    expect(same).toMatchObject({ code: 0, stdout: '"staging" and "staging" hold the same values.\n' });
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
    [['diff'], /Give a schema file/],
    [['diff', '--from', 'staging'], /--to is missing/],
    [['diff', 'config.ts', '--from', 'a', '--to', 'b'], /either a schema file/],
  ] as const)('%j is refused with code 2', async (argv, words) => {
    const { cli } = await startBench();
    const { code, stderr } = await cli([...argv]);
    expect(code).toBe(2);
    expect(stderr).toMatch(words);
  });
});

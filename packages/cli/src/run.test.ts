import { chmod } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { startBench } from './test-support/cli-server.ts';

const refusing: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));

const urlOf = (input: string | URL | Request): string =>
  input instanceof Request ? input.url : input.toString();

describe('the command line', () => {
  it.each([
    [[], 2, /Usage: smooai-config/],
    [['--help'], 0, /Examples:\n {2}\$ smooai-config push/],
    [['set', '--help'], 0, /--stdin.*\n.*\n[\s\S]*Global Options:[\s\S]*--credentials/],
    [['help', 'push'], 0, /--dry-run/],
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['sett'], 2, /unknown command 'sett'[\s\S]*Did you mean set\?/],
    [['get'], 2, /missing required argument 'key'/],
    [['get', 'theme', '--jsno'], 2, /unknown option '--jsno'/],
    [['get', 'a', 'b'], 2, /too many arguments/],
    [['get', 'theme', '--client-secret', 'x'], 2, /unknown option '--client-secret'/],
  ] as const)('%j answers %i', async (argv, code, words) => {
    const { bare } = await startBench();
    const result = await bare([...argv]);
    expect(result.code).toBe(code);
    expect(code === 0 ? result.stdout : result.stderr).toMatch(words);
  });
});

describe('with --json', () => {
  it.each([
    [['--json'], /Give a command/],
    [['sett', '--json'], /unknown command 'sett'/],
    [['get', '--json'], /missing required argument 'key'/],
    [['--json', 'get', 'theme', '--nope'], /unknown option '--nope'/],
  ] as const)('%j is refused in JSON', async (argv, words) => {
    const { bare } = await startBench();
    const { code, stdout, stderr } = await bare([...argv]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'ERR_USAGE', message: expect.stringMatching(words) },
    });
  });

  it('help is help, and a value after "--" is a value', async () => {
    const { bare } = await startBench();
    expect(await bare(['get', '--help', '--json'])).toMatchObject({ code: 0, stderr: '' });
    expect((await bare(['get', 'a', 'b', '--', '--json'])).stderr).toMatch(/^error: too many arguments/);
  });
});

describe('settings', () => {
  it('that are missing are all named at once', async () => {
    const { bare } = await startBench();
    const { code, stderr } = await bare(['list']);
    expect(code).toBe(2);
    for (const name of ['API_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'ORG_ID'])
      expect(stderr).toContain(`SMOOAI_CONFIG_${name}`);
    expect(stderr).toContain('--credentials FILE');
  });

  it('come from a credentials file, whose mode is looked at', async () => {
    const { bare, file, server, pushed } = await startBench();
    await pushed();
    const path = await file('credentials.json', JSON.stringify(server.credentials));
    await chmod(path, 0o600);
    expect(await bare(['get', 'theme', '--json', '-c', 'credentials.json'])).toMatchObject({
      code: 0,
      stderr: '',
    });
    await chmod(path, 0o644);
    expect((await bare(['get', 'theme', '-c', 'credentials.json'])).stderr).toContain(
      'chmod 600 credentials.json',
    );
  });

  it.each([
    ['none', undefined, /--credentials credentials\.json cannot be read: there is no such file/],
    ['no JSON', '{"clientSecret": "hush', /--credentials credentials\.json is no JSON/],
    ['a list', '[]', /must hold a JSON object with apiUrl/],
    ['a number', '{"apiUrl": 3}', /"apiUrl" must be a string/],
  ])('of a bad credentials file are told: %s', async (_name, content, words) => {
    const { bare, file } = await startBench();
    if (content !== undefined) await file('credentials.json', content);
    const { code, stderr } = await bare(['list', '--credentials', 'credentials.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('hush');
  });

  it('of a flag win over those of the environment', async () => {
    const { cli } = await startBench();
    const { code, stderr } = await cli(['list', '--api-url', 'not a url']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/apiUrl/);
  });
});

describe('a failure', () => {
  it('of the network is told with what to check', async () => {
    const { cli } = await startBench();
    const { code, stderr, stdout } = await cli(['list'], { fetch: refusing });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*token/i);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    ['cannot be found', () => Promise.reject(Object.assign(new TypeError('x'), { code: 'ENOTFOUND' }))],
    ['answers 404', () => Promise.resolve(new Response('none', { status: 404 }))],
  ])('of an issuer that was left to its default and %s has the remedy', async (_name, answer) => {
    const { cli } = await startBench();
    const { code, stderr } = await cli(['list'], { env: { SMOOAI_CONFIG_AUTH_URL: '' }, fetch: answer });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /auth\.smoo\.ai\/token .*set SMOOAI_CONFIG_AUTH_URL \(authUrl\) to that server's URL/,
    );
    const elsewhere = await cli(['list'], { fetch: answer });
    expect(elsewhere.stderr).not.toContain('SMOOAI_CONFIG_AUTH_URL');
  });

  it('of the credentials is told without them', async () => {
    const { cli, server } = await startBench();
    const { code, stderr } = await cli(['list'], {
      env: { SMOOAI_CONFIG_CLIENT_SECRET: 'wrong-secret-text' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/401|invalid_client/);
    expect(stderr).not.toContain('wrong-secret-text');
    expect(stderr).not.toContain(server.credentials?.clientSecret ?? 'none');
  });

  it('of the organization is told', async () => {
    const { cli } = await startBench();
    const { code, stderr } = await cli(['list', '--org', 'someone-else']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/refused \(403\)/);
  });

  it('of a gateway that answers no JSON is told', async () => {
    const { cli } = await startBench();
    const html: typeof fetch = (input, init) =>
      urlOf(input).endsWith('/token')
        ? fetch(input, init)
        : Promise.resolve(new Response('<html>', { status: 200 }));
    const { code, stderr } = await cli(['list'], { fetch: html });
    expect(code).toBe(1);
    expect(stderr).toContain('is no JSON');
  });
});

it('works by the published contract alone, where the server has no rulesets', async () => {
  const { cli, pushed } = await startBench();
  await pushed();
  await cli(['set', 'cartItems', '7']);
  const contractOnly: typeof fetch = (input, init) =>
    urlOf(input).includes('/ruleset')
      ? Promise.resolve(new Response('{}', { status: 404 }))
      : fetch(input, init);
  expect((await cli(['get', 'cartItems'], { fetch: contractOnly })).stdout).toBe('7\n');
  expect((await cli(['set', 'theme', 'dark'], { fetch: contractOnly })).stdout).toContain('→ dark');
});

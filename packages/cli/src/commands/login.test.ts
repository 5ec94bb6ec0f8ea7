import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBench } from '../test-support/cli-bench.ts';

async function setUp() {
  const bench = await startBench();
  const home = await mkdtemp(join(tmpdir(), 'smooai-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const { credentials } = bench.server;
  if (credentials === undefined) throw new Error('The server has no credentials.');
  await chmod(await bench.file('credentials.json', JSON.stringify(credentials)), 0o600);
  const file = join(home, '.config', 'smooai-config', 'profiles.json');
  const at = (argv: string[], options: { env?: Record<string, string>; stdin?: string } = {}) =>
    bench.bare(argv, { ...options, env: { HOME: home, ...options.env } });
  return { ...bench, credentials, at, profiles: file };
}

describe('login', () => {
  it('stores a profile of mode 0600 that later commands use, until logout', async () => {
    const { at, profiles, credentials } = await setUp();
    const login = await at(['login', '-c', 'credentials.json']);
    expect(login).toMatchObject({ code: 0, stderr: '' });
    expect(login.stdout).toContain(`Stored the profile "default" in ${profiles}.`);
    expect(login.stdout).toContain('Environments: development, production, staging.');
    expect(login.stdout).not.toContain(credentials.clientSecret);
    expect((await stat(profiles)).mode & 0o777).toBe(0o600);
    expect((await stat(join(profiles, '..'))).mode & 0o777).toBe(0o700);
    expect(await at(['env', 'list'])).toMatchObject({ code: 0, stderr: '' });
    expect(await at(['logout'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('clients revoke'),
    });
    await expect(stat(profiles)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await at(['env', 'list'])).code).toBe(2);
  });

  it('keeps profiles apart, with an environment if one is named', async () => {
    const { at, pushed, cli } = await setUp();
    await pushed();
    await cli(['set', 'label', 'Live', '--env', 'production']);
    await at(['login', '-c', 'credentials.json', '--profile', 'live', '--env', 'production']);
    expect((await at(['env', 'list'])).code).toBe(2);
    expect((await at(['get', 'label', '--profile', 'live'])).stdout).toBe('Live\n');
    expect(
      (await at(['get', 'retries', '--profile', 'live', '--env', 'staging', '--json'])).stdout,
    ).toContain('staging');
    const unknown = await at(['list', '--profile', 'liv']);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toMatch(/Unknown profile "liv"\. Did you mean "live"\? Profiles: live\./);
    expect(unknown.stderr).toContain('smooai-config login --profile liv');
    expect((await at(['logout'])).stderr).toMatch(/Unknown profile "default".*Profiles: live\.\n$/);
  });

  it('takes the secret from standard input', async () => {
    const { at, credentials } = await setUp();
    const { apiUrl, authUrl, clientId, organizationId, clientSecret } = credentials;
    const argv = [
      '--api-url',
      apiUrl,
      '--auth-url',
      authUrl,
      '--client-id',
      clientId,
      '--org',
      organizationId,
    ];
    const login = await at(['login', ...argv, '--stdin', '--json'], { stdin: `${clientSecret}\n` });
    expect(JSON.parse(login.stdout)).toMatchObject({ profile: 'default', clientId, apiUrl });
    expect(login.stdout).not.toContain(clientSecret);
    expect((await at(['env', 'list'])).code).toBe(0);
  });

  it('stores nothing that the server refuses', async () => {
    const { at, profiles, credentials } = await setUp();
    const env = { SMOOAI_CONFIG_API_URL: credentials.apiUrl, SMOOAI_CONFIG_AUTH_URL: credentials.authUrl };
    const argv = [
      'login',
      '--client-id',
      credentials.clientId,
      '--org',
      credentials.organizationId,
      '--stdin',
    ];
    const refused = await at(argv, { env, stdin: 'a-wrong-secret' });
    expect(refused.code).toBe(1);
    expect(refused.stderr).not.toContain('a-wrong-secret');
    expect(refused.stderr).toMatch(
      /\nThey come from --client-id, SMOOAI_CONFIG_CLIENT_ID and SMOOAI_CONFIG_CLIENT_SECRET, or/,
    );
    await expect(stat(profiles)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await at(argv, { env, stdin: '' })).stderr).toContain('Standard input is empty');
    expect((await at(['login'])).stderr).toMatch(/Missing settings: SMOOAI_CONFIG_API_URL/);
    for (const name of ['../x', '__proto__', 'toString', '']) {
      const { code, stderr } = await at(['login', '-c', 'credentials.json', '--profile', name]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('cannot be the name of a profile')]);
    }
  });

  it('never mixes a profile with a credentials file or with variables', async () => {
    const { at, profiles } = await setUp();
    await at(['login', '-c', 'credentials.json']);
    const mixed = await at(['list', '--profile', 'default', '-c', 'credentials.json']);
    expect(mixed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('either --profile or --credentials'),
    });
    const elsewhere = { SMOOAI_CONFIG_API_URL: 'http://127.0.0.1:9' };
    const { code, stderr } = await at(['env', 'list'], { env: elsewhere });
    expect([code, stderr]).toEqual([2, expect.stringContaining('SMOOAI_CONFIG_CLIENT_SECRET')]);
    expect((await at(['env', 'list', '--profile', 'default'], { env: elsewhere })).code).toBe(0);
    await chmod(profiles, 0o640);
    const content = await readFile(profiles, 'utf8');
    await writeFile(profiles, '{ "default":');
    expect((await at(['env', 'list'])).stderr).toMatch(
      /The profiles file .* is not valid JSON\. Correct it, or delete it and log in again: smooai-config login\n/,
    );
    await writeFile(profiles, content);
    expect((await at(['env', 'list'])).stderr).toContain(`chmod 600 ${profiles}`);
    expect(await readFile(profiles, 'utf8')).toContain('clientSecret');
  });
});

import { chmod } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { shareBench, startBench } from '../test-support/cli-bench.ts';

/** Parses the lines of a .env file. */
function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

describe('clients create', () => {
  it('prints a machine client as the lines of a .env file, and its secret nowhere else', async () => {
    const { cli, bare, pushed } = await startBench();
    await pushed();
    const { code, stdout, stderr } = await cli([
      'clients',
      'create',
      'shop API',
      '--environments',
      'production',
    ]);
    expect(code).toBe(0);
    const env = variablesOf(stdout);
    expect(env).toMatchObject({
      SMOOAI_CONFIG_ENV: 'production',
      SMOOAI_CONFIG_CLIENT_SECRET: expect.stringMatching(/^sk_/),
    });
    expect(stderr).toContain('"shop API"');
    expect(stderr).toContain('config:read in production');
    expect(stderr).toMatch(/shown only now/);
    expect(stderr).not.toContain(env.SMOOAI_CONFIG_CLIENT_SECRET);
    expect((await bare(['get', 'theme'], { env })).stdout).toBe('light\n');
    expect(await bare(['set', 'theme', 'dark'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('config:write'),
    });
    expect((await bare(['get', 'theme', '--env', 'staging'], { env })).code).not.toBe(0);
    expect((await cli(['clients', 'list', '--json'])).stdout).not.toContain(env.SMOOAI_CONFIG_CLIENT_SECRET);
  });

  it('says if another client has the name, unless that is revoked', async () => {
    const { cli } = await startBench();
    const create = ['clients', 'create', 'worker'];
    expect((await cli(create)).stderr).not.toContain('Another client');
    const [{ id }] = JSON.parse((await cli(['clients', 'list', '--json'])).stdout).filter(
      (client: { name: string }) => client.name === 'worker',
    );
    const again = await cli([...create, '--json']);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain(`Another client is named "worker" too: ${id}.`);
    const { id: second } = JSON.parse(again.stdout);
    for (const each of [id, second]) await cli(['clients', 'revoke', each, '--yes']);
    expect((await cli(create)).stderr).not.toContain('Another client');
  });

  it('prints a file for --credentials with --json', async () => {
    const { cli, bare, pushed, file } = await startBench();
    await pushed();
    const made = await cli(['clients', 'create', 'ci', '--scopes', 'config:read,config:write', '--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'ci', type: 'm2m', environments: null });
    await chmod(await file('ci.json', made.stdout), 0o600);
    expect(await bare(['set', 'theme', 'dark', '-c', 'ci.json'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('prints only the publishable key, for the environment of --env', async () => {
    const { cli, server } = await startBench();
    const origin = 'https://shop.example';
    const { code, stdout, stderr } = await cli([
      ...['clients', 'create', 'web', '--type', 'b2m', '--env', 'production', '--origins', origin],
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^pk_\S+\n$/) });
    expect(stderr).toContain(
      `createSnapshotSource({ apiUrl: '${server.url}', organizationId: '${server.organizationId}', environment: 'production', publishableKey: 'KEY' })`,
    );
    const values = (environment: string) =>
      fetch(`${server.url}/organizations/${server.organizationId}/config/values?environment=${environment}`, {
        headers: { authorization: `Bearer ${stdout.trim()}`, origin },
      });
    expect((await values('production')).status).toBe(200);
    expect((await values('staging')).status).toBe(403);
  });
});

describe('clients create refuses', () => {
  const bench = shareBench({ schema: false });

  it.each([
    [['web', '--type', 'b2m'], 2, /--origins https:\/\/shop\.example/],
    [['web', '--type', 'x2m'], 2, /Allowed choices are m2m, b2m/],
    [
      ['ci', '--env', 'staging', '--environments', 'production'],
      2,
      /either with --environments or with --env/,
    ],
    [['ci', '--environments', 'nowhere'], 1, /refused \(400\).*does not exist/],
    [['ci', '--scopes', 'config:all'], 1, /refused \(400\).*"config:admin"/],
    [
      ['web', '--type', 'b2m', '--origins', 'shop.example'],
      2,
      /is not an origin.*: http:\/\/shop\.example\n/,
    ],
    [
      ['web', '--type', 'b2m', '--origins', 'localhost:5173'],
      2,
      /is not an origin.*: http:\/\/localhost:5173\n/,
    ],
    [
      ['web', '--type', 'b2m', '--origins', 'https://a.example/x'],
      2,
      /is not an origin.*: https:\/\/a\.example\n/,
    ],
    [
      ['web', '--type', 'b2m', '--origins', 'ftp://a.example'],
      2,
      /is not an origin.*: https:\/\/shop\.example\n/,
    ],
    [['ci', '--origins', 'https://shop.example'], 2, /--origins is for the publishable key.*Add --type b2m/],
  ] as const)('%j with code %i', async (argv, code, words) => {
    const result = await bench.current.cli(['clients', 'create', ...argv]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(words);
  });
});

describe('clients list and revoke', () => {
  it('show what each client may do; a revoked client loses access immediately and is listed with --all', async () => {
    const { cli, bare, pushed } = await startBench();
    await pushed();
    const made = await cli(['clients', 'create', 'ci', '--environments', 'staging,production']);
    expect(made.stdout).not.toContain('SMOOAI_CONFIG_ENV=');
    const env: Record<string, string> = { ...variablesOf(made.stdout), SMOOAI_CONFIG_ENV: 'staging' };
    expect((await bare(['get', 'theme'], { env })).code).toBe(0);
    const id = env.SMOOAI_CONFIG_CLIENT_ID ?? '';
    const listed = (await cli(['clients', 'list'])).stdout;
    expect(listed).toMatch(new RegExp(`${id} +m2m +ci +staging,production +config:read +-`));
    const unasked = await cli(['clients', 'revoke', 'ci']);
    expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
    const no = await cli(['clients', 'revoke', 'ci'], { isTTY: true, stdin: '\n' });
    expect(no).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('[y/N]') });
    expect((await bare(['get', 'theme'], { env })).code).toBe(0);
    const done = await cli(['clients', 'revoke', 'ci', '--yes', '--json']);
    expect(JSON.parse(done.stdout)).toEqual({ id, name: 'ci', type: 'm2m', changed: true });
    expect((await bare(['get', 'theme'], { env })).code).toBe(1);
    expect((await cli(['clients', 'list'])).stdout).not.toContain(id);
    expect((await cli(['clients', 'list', '--all'])).stdout).toMatch(new RegExp(`${id} .* \\d{4}-\\d\\d-`));
    expect((await cli(['clients', 'revoke', id])).stdout).toContain('is already revoked');
  });

  it('need the id if several clients have the same name, and suggest a similar name', async () => {
    const { cli } = await startBench();
    const [one] = [await cli(['clients', 'create', 'ci', '--json']), await cli(['clients', 'create', 'ci'])];
    const twice = await cli(['clients', 'revoke', 'ci', '--yes']);
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('Use the id') });
    const { id } = JSON.parse(one.stdout) as { id: string };
    expect((await cli(['clients', 'revoke', id, '--yes'])).code).toBe(0);
    expect((await cli(['clients', 'revoke', 'ci', '--yes'])).code).toBe(0);
    expect((await cli(['clients', 'revoke', 'adminn', '--yes'])).stderr).toMatch(/Unknown client "adminn"/);
  });

  it('warn before a command revokes its own client, which the server refuses for the last admin', async () => {
    const { cli, server } = await startBench();
    const own = server.credentials?.clientId ?? '';
    expect((await cli(['clients', 'revoke', own])).stderr).toContain('This command itself uses it');
    expect(await cli(['clients', 'revoke', own, '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/refused \(409\).*last client with the scope config:admin/),
    });
  });
});

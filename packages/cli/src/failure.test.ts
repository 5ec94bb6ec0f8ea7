import { describe, expect, it } from 'vitest';
import { shareBench } from './test-support/cli-bench.ts';
import { withoutWaiting } from './test-support/without-waiting.ts';

const bench = shareBench({ schema: false });

describe('an error', () => {
  it('of the network says what to check', async () => {
    const fetch = () => Promise.reject(new TypeError('fetch failed'));
    const { code, stderr, stdout } = await withoutWaiting(() => bench.current.cli(['list'], { fetch }));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*token/i);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each([
    ['cannot be reached', () => Promise.reject(Object.assign(new TypeError('x'), { code: 'ENOTFOUND' })), 1],
    ['names no issuer', () => Promise.resolve(new Response('none', { status: 404 })), 2],
  ])('of an API that %s says which variable to set', async (_name, fetch, code) => {
    const { cli } = bench.current;
    const asked: string[] = [];
    const env = { SMOOAI_CONFIG_AUTH_URL: '' };
    const spy: typeof globalThis.fetch = (input) => {
      asked.push(input instanceof Request ? input.url : String(input));
      return fetch();
    };
    const result = await withoutWaiting(() => cli(['list'], { env, fetch: spy }));
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(/set SMOOAI_CONFIG_AUTH_URL \(authUrl\) to/);
    expect(asked.every((url) => url.startsWith(`${bench.current.server.url}/.well-known/`))).toBe(true);
    const elsewhere = await withoutWaiting(() => cli(['list'], { fetch }));
    expect(elsewhere.stderr).not.toContain('set SMOOAI_CONFIG_AUTH_URL');
  });

  it('is none if the API itself issues tokens and no other issuer is set', async () => {
    const { code, stdout } = await bench.current.cli(['list'], { env: { SMOOAI_CONFIG_AUTH_URL: '' } });
    expect(code).toBe(0);
    expect(stdout).not.toBe('');
  });

  it('of the credentials does not contain them', async () => {
    const { cli, server } = bench.current;
    const { code, stderr } = await cli(['list'], {
      env: { SMOOAI_CONFIG_CLIENT_SECRET: 'wrong-secret-text' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/401|invalid_client/);
    expect(stderr).not.toContain('wrong-secret-text');
    expect(stderr).not.toContain(server.credentials?.clientSecret ?? 'none');
  });

  it('of the organization has the status of the server', async () => {
    const { code, stderr } = await bench.current.cli(['list', '--org', 'someone-else']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /refused \(403\): .*organization.*\nCheck the organization: --org, SMOOAI_CONFIG_ORG_ID,/,
    );
  });

  it('of a wrong path names the setting with the URL', async () => {
    const { cli, server } = bench.current;
    const { code, stderr } = await cli(['list', '--api-url', `${server.url}/api`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /refused \(404\): .*endpoint.*\nCheck the URL of the config API: --api-url, SMOOAI_CONFIG_API_URL,/,
    );
  });

  it('of an environment or a right that the client lacks says what to do', async () => {
    const { cli } = bench.current;
    await cli([
      'schema',
      'add',
      'shop',
      '--file',
      await bench.current.file('s.json', '{"type":"object","properties":{}}'),
    ]);
    const made = await cli(['clients', 'create', 'reader', '--environments', 'staging', '--json']);
    const credentials = await bench.current.file('reader.json', made.stdout);
    const env = { SMOOAI_CONFIG_CLIENT_SECRET: '' };
    const read = await cli(['list', '--env', 'production', '--credentials', credentials], { env });
    expect(read.stderr).toMatch(/production/);
    const write = await cli(['env', 'create', 'qa', '--credentials', credentials], { env });
    expect(write.stderr).toMatch(
      /refused \(403\).*scope.*\nUse a client with more rights: .*clients create NAME --scopes/,
    );
  });

  it('of an issuer or a URL that cannot be used names the option', async () => {
    const { cli, server } = bench.current;
    const issuer = await cli(['list', '--auth-url', `${server.url}/oauth`]);
    expect(issuer.stderr).toMatch(/404.*\nCheck the URL of the issuer: --auth-url, SMOOAI_CONFIG_AUTH_URL,/);
    const insecure = await cli(['list', '--api-url', 'http://config.example']);
    expect(insecure).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Use https, or pass --allow-insecure-http.'),
    });
  });

  it('of a gateway that does not return JSON says so', async () => {
    const html: typeof fetch = (input, init) =>
      (input instanceof Request ? input.url : String(input)).endsWith('/token')
        ? fetch(input, init)
        : Promise.resolve(new Response('<html>', { status: 200 }));
    const { code, stderr } = await bench.current.cli(['list'], { fetch: html });
    expect(code).toBe(1);
    expect(stderr).toMatch(/is not valid JSON/);
  });
});

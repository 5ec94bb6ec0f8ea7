import { chmod } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runCli, shareBench } from './test-support/cli-bench.ts';

const bench = shareBench();

describe('the settings', () => {
  it('are all named at once if they are missing', async () => {
    const { code, stderr } = await runCli(['list']);
    expect(code).toBe(2);
    for (const name of ['API_URL', 'CLIENT_ID', 'CLIENT_SECRET', 'ORG_ID'])
      expect(stderr).toContain(`SMOOAI_CONFIG_${name}`);
    expect(stderr).toContain('--credentials FILE');
  });

  it('come from a credentials file, with a warning if other users can read it', async () => {
    const { bare, file, server } = bench.current;
    const path = await file('credentials.json', JSON.stringify(server.credentials));
    await chmod(path, 0o600);
    expect(await bare(['get', 'theme', '--json', '-c', 'credentials.json'])).toMatchObject({
      code: 0,
      stderr: '',
    });
    await chmod(path, 0o640);
    expect((await bare(['get', 'theme', '-c', 'credentials.json'])).stderr).toContain(
      'chmod 600 credentials.json',
    );
  });

  it.each([
    ['missing', undefined, /--credentials bad\.json cannot be read: file or folder not found/],
    ['not JSON', '{"clientSecret": "hush', /--credentials bad\.json is not valid JSON/],
    ['a list', '[]', /must contain a JSON object with apiUrl/],
    ['a file with a number', '{"apiUrl": 3}', /"apiUrl" must be a string/],
  ])('are refused if the credentials file is %s', async (_name, content, words) => {
    const { bare, file } = bench.current;
    if (content !== undefined) await file('bad.json', content);
    const { code, stderr } = await bare(['list', '--credentials', 'bad.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('hush');
  });

  it.each([
    ['--api-url', 'apiUrl', 'http://127.0.0.1:9/api'],
    ['--auth-url', 'authUrl', 'http://127.0.0.1:9/auth'],
    ['--client-id', 'clientId', 'another-client'],
    ['--org', 'organizationId', 'another-organization'],
  ])(
    'come from %s rather than from the credentials file, and from that rather than from a variable',
    async (option, field, value) => {
      const { bare, file, server } = bench.current;
      const credentials = { ...server.credentials };
      await chmod(await file('credentials.json', JSON.stringify(credentials)), 0o600);
      const seen = async (argv: string[], env: Record<string, string>): Promise<string> => {
        let text = '';
        const record: typeof fetch = (input, init) => {
          const url = input instanceof Request ? input.url : input.toString();
          text += `${url} ${typeof init?.body === 'string' ? init.body : ''}`;
          const authorization = new Headers(init?.headers).get('authorization') ?? '';
          if (authorization.startsWith('Basic ')) text += Buffer.from(authorization.slice(6), 'base64');
          return url.includes('127.0.0.1:9')
            ? Promise.resolve(new Response(null, { status: 404 }))
            : fetch(input, init);
        };
        await bare(['list', '-c', 'credentials.json', ...argv], { env, fetch: record });
        return text;
      };
      const variables = {
        SMOOAI_CONFIG_API_URL: 'http://127.0.0.1:9/api',
        SMOOAI_CONFIG_AUTH_URL: 'http://127.0.0.1:9/auth',
        SMOOAI_CONFIG_CLIENT_ID: 'another-client',
        SMOOAI_CONFIG_CLIENT_SECRET: 'another-secret',
        SMOOAI_CONFIG_ORG_ID: 'another-organization',
      };
      expect(field in credentials).toBe(true);
      expect(await seen([option, value], {})).toContain(value);
      expect(await seen([], variables)).not.toMatch(/127\.0\.0\.1:9|another/);
    },
  );

  it('come from an option rather than from a variable', async () => {
    const { cli } = bench.current;
    const { code, stderr } = await cli(['list', '--api-url', 'not a url']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/apiUrl/);
    expect(stderr).not.toContain('Missing settings');
  });

  it('are listed with the malformed ones if some are missing', async () => {
    const { code, stderr } = await bench.current.bare(['list', '--api-url', 'not a url']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Missing settings: SMOOAI_CONFIG_CLIENT_ID/);
    expect(stderr).toMatch(/^apiUrl \(SMOOAI_CONFIG_API_URL\) /m);
  });
});

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type CliIo, run } from '../index.ts';
import { shareBench } from '../test-support/cli-bench.ts';

const bench = shareBench({ schema: false });

/** Reads a variable of a .env file in a shell, with `set -a; . .env`. */
function shellValue(folder: string, name: string): string {
  return execFileSync('sh', ['-c', `set -a; . ./.env; printf '%s' "$${name}"`], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
}

/** Changes the secret that the server creates. */
function withSecret(clientSecret: string): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method !== 'POST' || response.status !== 201) return response;
    const body = (await response.json()) as Record<string, unknown>;
    return Response.json({ ...body, clientSecret }, { status: 201 });
  };
}

describe('clients create into a file', () => {
  it.each([
    ['>>', 'LAST=1', 'a', '\nSMOOAI_CONFIG_API_URL='],
    ['>>', 'LAST=1\n', 'a', '\nSMOOAI_CONFIG_API_URL='],
    ['>>', '', 'a', 'SMOOAI_CONFIG_API_URL='],
    ['>', 'LAST=1', 'w', 'SMOOAI_CONFIG_API_URL='],
  ])('%s onto %j keeps its last line', async (_, before, flags, start) => {
    const path = await bench.current.file('.env', before);
    const { credentials } = bench.current.server;
    const fd = openSync(path, flags);
    const stdout = { fd, write: (text: string) => writeSync(fd, text) };
    const io: CliIo = {
      stdout,
      stderr: { write: () => true },
      stdin: Object.assign((async function* () {})(), { isTTY: false }),
      env: {},
      cwd: bench.current.folder,
    };
    await bench.current.file('credentials.json', JSON.stringify(credentials));
    expect(await run(['clients', 'create', 'api', '-c', 'credentials.json'], io)).toBe(0);
    closeSync(fd);
    const text = await readFile(path, 'utf8');
    expect(text.startsWith((flags === 'w' ? '' : before) + start)).toBe(true);
    expect(text).toMatch(/SECRET=sk_\S+\n$/);
    expect(parseEnv(text)).toMatchObject({
      ...(flags === 'a' && before !== '' && { LAST: '1' }),
      SMOOAI_CONFIG_API_URL: credentials?.apiUrl,
    });
  });

  it('begins with a line break in a pipe, and not on a terminal or with --json', async () => {
    const { cli } = bench.current;
    const create = ['clients', 'create', 'api'];
    expect((await cli(create)).stdout).toMatch(/^\nSMOOAI_CONFIG_API_URL=/);
    expect((await cli(create, { isTTY: true })).stdout).toMatch(/^SMOOAI_CONFIG_API_URL=/);
    expect((await cli([...create, '--json'])).stdout).toMatch(/^\{/);
  });

  it.each([
    ['a plain one', 'sk_aZ09-._~'],
    ['a home folder', '~/secret'],
    ['a number sign', 'a#b #c'],
    ['a dollar sign', 'a$HOME$(id)`id`'],
    ['double quotes', '"a" "b"'],
    ['a single quote', "it's"],
    ['blanks at both ends', '  a  b  '],
    ['a backslash', String.raw`a\nb\\c`],
    ['line breaks', 'one\ntwo\n\nthree=3'],
    ['shell operators', 'a & b ; c | d > e ! f'],
    ['letters outside ASCII', 'größe ✓'],
  ])('a value with %s reads the same in dotenv and in a shell', async (_, secret) => {
    const { cli, file, folder } = bench.current;
    const { stdout, stderr } = await cli(['clients', 'create', 'api'], { fetch: withSecret(secret) });
    await file('.env', stdout);
    expect(parseEnv(stdout).SMOOAI_CONFIG_CLIENT_SECRET).toBe(secret);
    expect(shellValue(folder, 'SMOOAI_CONFIG_CLIENT_SECRET')).toBe(secret);
    expect(stderr).not.toContain('warning');
  });

  it.each([`it's $5`, `'"`, 'a\\', "\\'"])('warns that only a shell can read %j', async (secret) => {
    const { cli, file, folder } = bench.current;
    const { stdout, stderr } = await cli(['clients', 'create', 'api'], { fetch: withSecret(secret) });
    await file('.env', stdout);
    expect(shellValue(folder, 'SMOOAI_CONFIG_CLIENT_SECRET')).toBe(secret);
    expect(stderr).toContain('warning: SMOOAI_CONFIG_CLIENT_SECRET can only be read by a shell');
    expect(stderr).not.toContain(secret);
  });
});
